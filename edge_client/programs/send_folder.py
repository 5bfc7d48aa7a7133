"""Send the images of a folder to the server, as if a camera had taken them.

Each image becomes a detection of --camera at the time of the file's last change. An image is known by its content:
sending the same folder again has no second effect, so an interrupted run can simply be repeated. With --dry-run the
server discards the images, which measures the link.

example:
  python -m edge_client send-folder --server https://faces.example.org --key-file edge.key \\
      --input-folder crops/ --camera entrance --dry-run --stats
"""

import argparse
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from edge_client import options as shared
from edge_client import pictures
from edge_client.bundle import content_id
from edge_client.cloud import patiently
from edge_client.config import read_key, server_address
from edge_client.pictures import PictureError
from edge_client.progress import Progress
from edge_client.server import MAX_BATCH, MAX_BATCH_BYTES, Crop, Server
from edge_client.stopping import stop_on_signals


@dataclass(slots=True)
class Figures:
    """Sums over images."""

    images: int = 0
    height: int = 0
    width: int = 0
    size: int = 0

    def add(self, image: bytes) -> None:
        pixels = pictures.decode(image)
        if pixels is not None:
            self.images += 1
            self.height += pixels.shape[0]
            self.width += pixels.shape[1]
            self.size += len(image)

    def __str__(self) -> str:
        count = max(1, self.images)
        return (
            f"{self.images} images, mean height {self.height / count:.1f} px, mean width {self.width / count:.1f} px, "
            f"mean size {self.size / count:.0f} bytes, {self.size} bytes in all"
        )


def add_options(parser: argparse.ArgumentParser) -> None:
    shared.add_server_options(parser)
    parser.add_argument("--input-folder", type=Path, required=True, metavar="DIR", help="folder with the images")
    parser.add_argument("--camera", required=True, metavar="ID", help="the camera's id on the server")
    parser.add_argument("--dry-run", action="store_true", help="let the server discard them")
    parser.add_argument("--stats", action="store_true", help="count, mean height, width and bytes of what was sent")


def run(options: argparse.Namespace) -> int:
    paths = pictures.find(options.input_folder)
    server = Server(server_address(options.server), read_key(options.key_file))
    stop = stop_on_signals()
    patiently(lambda: server.check_camera(options.camera), stop)
    began = time.monotonic()
    with Progress("images", len(paths)) as progress:
        sender = Sender(server, options, stop, progress)
        for path in paths:
            if stop.is_set():
                break
            sender.add(path)
        sender.flush()
    seconds = time.monotonic() - began
    spent = f"{server.bytes_sent} bytes sent in {seconds:.1f} s, {server.bytes_sent / seconds / 1e3:.1f} kB/s"
    print(f"{sender.sent} sent, {sender.refused} refused, {spent}")
    if options.stats:
        print(sender.figures)
    if stop.is_set():
        print("interrupted: run the same command again for the rest")
    return 1 if sender.refused or stop.is_set() else 0


class Sender:
    """Sends images in batches and reports those that are refused, whether here or by the server."""

    def __init__(self, server: Server, options: argparse.Namespace, stop: threading.Event, progress: Progress) -> None:
        self._server = server
        self._options = options
        self._stop = stop
        self._progress = progress
        self._waiting: dict[Path, Crop] = {}
        self.figures = Figures()
        self.sent = self.refused = 0

    def add(self, path: Path) -> None:
        """Take an image; send a batch once it is full."""
        try:
            crop = _crop(path, self._options.camera)
        except PictureError as error:
            self._settle(path, str(error))
            return
        size = sum(len(other.image) for other in self._waiting.values())
        if len(self._waiting) == MAX_BATCH or size + len(crop.image) > MAX_BATCH_BYTES:
            self.flush()
        self._waiting[path] = crop

    def flush(self) -> None:
        """Send what waits."""
        if not self._waiting:
            return
        crops = list({crop.id: crop for crop in self._waiting.values()}.values())  # the same image twice goes once
        refusals = self._store(crops)
        for path, crop in self._waiting.items():
            self._settle(path, refusals.get(crop.id, ""), crop)
        self._waiting.clear()

    def _store(self, crops: list[Crop]) -> dict[str, str]:
        """Send crops; returns why those that are refused were, by id."""
        receipt = patiently(partial(self._server.store, crops, dry_run=self._options.dry_run), self._stop)
        if receipt.stored or receipt.rejected:
            return dict(receipt.rejected)
        if len(crops) == 1:
            return {crops[0].id: receipt.reason}
        middle = len(crops) // 2  # the server does not say which is to blame, or they are too many at once
        return self._store(crops[:middle]) | self._store(crops[middle:])

    def _settle(self, path: Path, reason: str, crop: Crop | None = None) -> None:
        if reason:
            self.refused += 1
            self._progress.say(f"{path.relative_to(self._options.input_folder)}: refused ({reason})")
        elif crop:
            self.sent += 1
            if self._options.stats:
                self.figures.add(crop.image)
        self._progress.step(f"{self.refused} refused")


def _crop(path: Path, camera: str) -> Crop:
    """An image as a crop whose id follows from its content. It has no box, which would say that it is mostly face.

    Raises PictureError.
    """
    image = pictures.load(path)
    changed = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return Crop(
        id=content_id(camera, "", image),
        camera=camera,
        captured_at=min(changed, datetime.now(UTC)),
        image=image,
        codec="jpeg",
    )
