"""Cut the faces out of a video, or of the images in a folder.

Each face becomes a JPEG in --output, with a margin, named after its video and the moment, or its image. With --boxes
the whole frames are kept as well, with white boxes around the faces. `faces.tsv` lists all faces with their boxes.
What it lists is passed over, so that an interrupted run can simply be repeated; give videos of the same name folders of
their own.

examples:
  python -m edge_client extract --video-source visit.mp4 --target-fps 2 --output faces/
  python -m edge_client extract --input-folder photos/ --output faces/ --boxes
"""

import argparse
import csv
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from edge_client import codec, pictures
from edge_client import options as shared
from edge_client.detector import Face
from edge_client.drawing import WHITE, Image, Label, annotate
from edge_client.progress import Progress
from edge_client.settings import ConfigError, parse_source
from edge_client.stopping import stop_on_signals
from edge_client.viewing import detector_from, frames_from, settings_from

_MARGIN = 1.0  # of the box's longer side: an enrolment photo needs surroundings
_MAX_SIDE = 1024  # pixels
_COLUMNS = ("picture", "x1", "y1", "x2", "y2", "confidence", "file")


def add_options(parser: argparse.ArgumentParser) -> None:
    place = parser.add_argument_group("input")
    place.add_argument("--input-folder", type=Path, metavar="DIR", help="folder with images, instead of a video")
    shared.add_video_options(parser, required=False)
    shared.add_face_options(parser)
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder for the faces")
    parser.add_argument("--boxes", action="store_true", help="also keep the frames, with white boxes")


def run(options: argparse.Namespace) -> int:
    if (options.video_source is None) == (options.input_folder is None):
        raise ConfigError("name either --video-source or --input-folder")
    detector = detector_from(options, settings_from(options))
    stop = stop_on_signals()
    unreadable = 0
    with closing(Album(options.output, with_frames=options.boxes)) as album, Progress("pictures") as progress:
        for name, image in _from_folder(options, album) if options.input_folder else _from_video(options, album, stop):
            if stop.is_set():
                break
            if image is None:
                unreadable += 1
                progress.say(f"{name}: not a readable image")
            else:
                album.add(name, image, detector.search(image))
            progress.step(f"{album.faces} faces")
    print(f"{album.faces} faces in {progress.done - unreadable} pictures, {unreadable} unreadable")
    return 1 if unreadable or stop.is_set() else 0


def _from_folder(options: argparse.Namespace, album: "Album") -> Iterator[tuple[str, Image | None]]:
    """The images that the album does not have yet, by their path in the folder; None for one that cannot be read."""
    if options.output.resolve().is_relative_to(options.input_folder.resolve()):
        raise ConfigError("--output: name a folder outside --input-folder, where its faces would count as images")
    for path in pictures.find(options.input_folder):
        name = path.relative_to(options.input_folder).as_posix()
        if name not in album.known:
            yield name, pictures.read(path)


def _from_video(options: argparse.Namespace, album: "Album", stop: threading.Event) -> Iterator[tuple[str, Image]]:
    """The frames that the album does not have yet, by the video's name and their moment."""
    source = parse_source(options.video_source)
    with closing(frames_from(options, stop)) as frames:
        for frame in frames:
            if isinstance(source, Path):
                name = f"{source.name}-{frame.seconds:09.3f}"
            else:
                name = f"camera-{frame.captured_at:%Y%m%d-%H%M%S.%f}"
            if name not in album.known:
                yield name, frame.image


class Album:
    """A folder of faces. Its `faces.tsv` lists each picture that was searched, and each face with box and file.

    Raises ConfigError where the folder cannot be written.
    """

    def __init__(self, folder: Path, *, with_frames: bool) -> None:
        self._folder = folder
        self._with_frames = with_frames
        self.faces = 0
        path = folder / "faces.tsv"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = path.open("a+", encoding="utf-8", errors="surrogateescape", newline="")
        except OSError as error:
            raise _unwritable(error) from error
        self._file.seek(0)
        self.known = {row[0] for row in csv.reader(self._file, "excel-tab") if row}
        self._list = csv.writer(self._file, "excel-tab")
        if not self.known:
            self._list.writerow(_COLUMNS)

    def add(self, name: str, image: Image, faces: Sequence[Face]) -> None:
        """Keep the faces of a picture."""
        rows: list[list[object]] = [[name]]
        try:
            for number, face in enumerate(faces, start=1):
                file = f"{name}-{number}.jpg"
                self._write(file, codec.crop(image, face.box, margin=_MARGIN, max_side=_MAX_SIDE))
                rows.append([name, *(round(value, 1) for value in face.box), round(face.confidence, 4), file])
            if faces and self._with_frames:
                self._write(f"{name}-boxes.jpg", annotate(image, [Label(face.box, WHITE) for face in faces]))
            # The list comes last: what it names is complete.
            self._list.writerows(rows[1:] or rows)
            self._file.flush()
        except OSError as error:
            raise _unwritable(error) from error
        self.faces += len(faces)

    def close(self) -> None:
        self._file.close()

    def _write(self, name: str, image: Image) -> None:
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(codec.encode(image, "jpeg"))


def _unwritable(error: OSError) -> ConfigError:
    return ConfigError(f"--output: cannot write {error.filename or 'there'}: {error.strerror}")
