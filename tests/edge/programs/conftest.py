"""The programs as an operator starts them, and a real site that they speak to."""

import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from pytest_django.live_server_helper import LiveServer

from access.models import ApiKey
from edge_client.__main__ import main
from edge_client.config import KEY_VARIABLE, MODELS_VARIABLE
from facesite.demo_video import portraits
from tests.fabricated import fresh_loader

__all__ = ["fresh_loader"]

Edge = Callable[..., int]


@pytest.fixture
def edge(pack_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Edge]:
    """Runs one program in this process; an option whose value is None is left out, and True is a flag."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    monkeypatch.setenv(MODELS_VARIABLE, str(pack_folder))

    def run(program: str, **options: object) -> int:
        words = [program]
        for name, value in options.items():
            if value is not None:
                words += [f"--{name.replace('_', '-')}", *([] if value is True else [str(value)])]
        return main(words)

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def site(live_server: LiveServer, storage: Path, tmp_path: Path, make_key: Callable[..., str]) -> dict[str, object]:
    """A running site: what --server and --key-file must say for a key of an operator."""
    return {"server": live_server.url, "key_file": write_key(tmp_path, make_key(ApiKey.Scope.OPERATOR))}


def write_key(folder: Path, key: str) -> Path:
    path = folder / "operator.key"
    path.write_text(key)
    return path


def write_walk(path: Path, *people: str, seconds: float = 2, fps: int = 10, height: int = 480, sway: float = 1) -> Path:
    """A video of portraits side by side that sway a little, as people do."""
    images = [cv2.resize(portraits()[name], (height, height)) for name in people]
    row = np.hstack(images) if images else np.full((height, height, 3), 90, np.uint8)
    scene = cv2.copyMakeBorder(row, 30, 30, 40, 40, cv2.BORDER_REPLICATE)
    size = (scene.shape[1], scene.shape[0])
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), fps, size)
    for number in range(round(seconds * fps)):
        angle = 12 * sway * np.sin(number / fps * np.pi)
        turn = cv2.getRotationMatrix2D((size[0] / 2, size[1] / 2), angle, 1.0)
        turn[:, 2] += 15 * sway * np.sin(number / 3), 0
        writer.write(cv2.cvtColor(cv2.warpAffine(scene, turn, size, borderValue=(90, 90, 90)), cv2.COLOR_RGB2BGR))
    writer.release()
    return path
