"""The detectors' network files: where they are, downloaded where need be, and whether they are whole."""

import hashlib
import logging
import os
import threading
from collections.abc import Mapping
from pathlib import Path

import requests

from edge_client.config import DEFAULT_CACHE, DEFAULT_MODELS, MODELS_VARIABLE, ModelFiles
from edge_client.detector import Finder, open_finder
from edge_client.settings import ConfigError, DetectorName

log = logging.getLogger(__name__)

MTCNN_FILES = ("pnet.onnx", "rnet.onnx", "onet.onnx")
_TIMEOUT = (10, 60)  # seconds to connect, seconds between bytes
_MOST_BYTES = 100_000_000
_CHUNK = 1 << 16


def local_models(detector: DetectorName, files: ModelFiles, cache: Path) -> Path:
    """The folder (MTCNN) or file of a detector's networks; a download is kept in the folder `cache`.

    Raises:
        ConfigError: they are missing, cannot be downloaded, or are not those of the checksum.
    """
    if "://" in files.place:
        if detector == "mtcnn":
            raise ConfigError(
                f"{files.place}: the detector mtcnn is three files ({', '.join(MTCNN_FILES)}), which are not "
                "downloaded: name the folder that holds them"
            )
        return _downloaded(files, cache)
    path = Path(files.place)
    if detector == "mtcnn":
        missing = [name for name in MTCNN_FILES if not (path / name).is_file()]
        if missing:
            raise ConfigError(
                f"the detector's models are missing: no {', '.join(missing)} in {path}. Name their folder with "
                f"--detector-models, {MODELS_VARIABLE} or models under [detectors.mtcnn]; every built pack holds them"
            )
        return path
    if not path.is_file():
        raise ConfigError(f"the model of the detector {detector} is missing: there is no file {path}")
    if files.sha256:
        _compare(path, files)
    return path


def _downloaded(files: ModelFiles, cache: Path) -> Path:
    if not files.place.startswith("https://") or not files.sha256:
        raise ConfigError(f"{files.place}: a model is downloaded from an https address only, and with its sha256")
    path = cache / f"{files.sha256.lower()}.onnx"
    if not path.is_file() or _sha256(path) != files.sha256.lower():  # a power cut may have emptied it
        cache.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        try:
            _download(files.place, partial)
            _compare(partial, files)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
        log.info("downloaded the model %s", files.place)
    return path


def _download(address: str, path: Path) -> None:
    try:
        with requests.get(address, stream=True, timeout=_TIMEOUT) as response, path.open("wb") as file:
            response.raise_for_status()
            for chunk in response.iter_content(_CHUNK):
                file.write(chunk)
                if file.tell() > _MOST_BYTES:
                    raise ConfigError(f"{address} is larger than any detector's model ({_MOST_BYTES // 10**6} MB)")
            file.flush()
            os.fsync(file.fileno())
    except (requests.RequestException, OSError) as error:
        raise ConfigError(f"cannot download the model {address}: {error}") from error


def _compare(path: Path, files: ModelFiles) -> None:
    found = _sha256(path)
    if found != files.sha256.lower():
        raise ConfigError(f"the model {files.place} has the SHA-256 {found}, not {files.sha256}: is it the right file?")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Networks:
    """The detectors' networks that a node's cameras share, each loaded when a camera first wants it.

    `stated`: where they are; MTCNN's may stand in the environment, or in the default place. Downloads go to `cache`.
    """

    def __init__(self, stated: Mapping[DetectorName, ModelFiles], cache: Path = DEFAULT_CACHE) -> None:
        self._stated, self._cache = stated, cache
        self._finders: dict[DetectorName, Finder] = {}
        self._turn = threading.Lock()

    def finder(self, detector: DetectorName) -> Finder:
        """Raises ConfigError: its files are missing or damaged, cannot be read or kept, or are not known."""
        with self._turn:
            if detector not in self._finders:
                try:
                    path = local_models(detector, self._files(detector), self._cache)
                    self._finders[detector] = open_finder(detector, path)
                except OSError as error:
                    raise ConfigError(f"the model of the detector {detector}: {error}") from error
            return self._finders[detector]

    def _files(self, detector: DetectorName) -> ModelFiles:
        if detector in self._stated:
            return self._stated[detector]
        if detector == "mtcnn":
            return ModelFiles(os.environ.get(MODELS_VARIABLE) or DEFAULT_MODELS)
        raise ConfigError(
            f"the detector {detector} needs its network: name a file, or an https address with its sha256, "
            f"under [detectors.{detector}] or with --detector-models"
        )
