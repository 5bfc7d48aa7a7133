"""InceptionResnetV1 (FaceNet) trained on VGGFace2, exported from facenet-pytorch."""

import pickle
import urllib.error
from pathlib import Path

import torch

from recognition.packbuild.export import export
from recognition.packbuild.facenet import facenet_pytorch

FILE = "facenet_vggface2.onnx"


def build(folder: Path, weights: Path | None) -> None:
    """Writes FILE into `folder`, from the library's own download or from a state dictionary in the file `weights`.

    Raises ValueError with the remedy when neither can be had.
    """
    network = _from_file(weights) if weights else _downloaded()
    write(network, folder / FILE)


def write(network: torch.nn.Module, path: Path) -> None:
    """Exports an InceptionResnetV1 with any weights."""
    export(network, torch.zeros(2, 3, 160, 160), path, {"image": {0: "count"}, "embedding": {0: "count"}})


def _downloaded() -> torch.nn.Module:
    try:
        return facenet_pytorch.InceptionResnetV1(pretrained="vggface2")
    except (urllib.error.URLError, OSError) as error:
        raise ValueError(
            f"The weights could not be downloaded ({error}). Fetch 20180402-114759-vggface2.pt from the releases of "
            "github.com/timesler/facenet-pytorch on another machine and add --weights PATH."
        ) from error


def _from_file(weights: Path) -> torch.nn.Module:
    network = facenet_pytorch.InceptionResnetV1()
    try:
        # weights_only: a pickle from elsewhere may otherwise run code.
        state = torch.load(weights, map_location="cpu", weights_only=True)
        # The released file also holds the classifier over the training identities.
        network.load_state_dict({name: value for name, value in state.items() if not name.startswith("logits.")})
    except (OSError, EOFError, RuntimeError, AttributeError, pickle.UnpicklingError) as error:
        raise ValueError(f"{weights} holds no weights of InceptionResnetV1: {error}") from error
    return network
