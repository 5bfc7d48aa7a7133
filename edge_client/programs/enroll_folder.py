"""Enrol people from a folder of photos.

With --person-id the folder's photos show that one person. Without, each subfolder holds the photos of the person whose
id is its name. The verdict on each photo goes to standard output. Photos that the server has already count as done:
after an interruption simply run the same command again.

example:
  python -m edge_client enroll-folder --server https://faces.example.org --key-file operator.key \\
      --input-folder staff/ --create-id --legal-basis contract --legal-basis-date 2026-11-01 --train
"""

import argparse
import threading
from collections import Counter
from functools import partial
from pathlib import Path

from edge_client import enrolment, pictures
from edge_client import options as shared
from edge_client.cloud import Cloud, Verdict, patiently
from edge_client.config import read_key, server_address
from edge_client.pictures import PictureError
from edge_client.progress import Progress
from edge_client.settings import ConfigError
from edge_client.stopping import stop_on_signals


def add_options(parser: argparse.ArgumentParser) -> None:
    shared.add_server_options(parser)
    parser.add_argument("--input-folder", type=Path, required=True, metavar="DIR", help="folder with the photos")
    parser.add_argument("--person-id", metavar="ID", help="whom the photos show (default: the subfolder's name)")
    enrolment.add_options(parser)


def run(options: argparse.Namespace) -> int:
    enrolment.check_options(options)
    photos = _by_person(options.input_folder, options.person_id)
    cloud = Cloud(server_address(options.server), read_key(options.key_file))
    stop = stop_on_signals()
    enrolment.ensure_people(cloud, photos, options, stop)
    counts: Counter[Verdict] = Counter()
    with Progress("photos", sum(map(len, photos.values()))) as progress:
        for person, path in [(person, path) for person, paths in photos.items() for path in paths]:
            if stop.is_set():
                break
            verdict, reason = _enrol(cloud, person, path, stop)
            counts[verdict] += 1
            words = f"{verdict} ({reason})" if reason else verdict
            progress.say(f"{path.relative_to(options.input_folder)}: {words}")
            progress.step(f"{counts[Verdict.REFUSED]} refused")
    print(", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict))
    if stop.is_set():
        print("interrupted: run the same command again for the rest")
        return 1
    trained = not options.train or enrolment.train(cloud, stop)
    return 0 if trained and not counts[Verdict.REFUSED] else 1


def _enrol(cloud: Cloud, person: str, path: Path, stop: threading.Event) -> tuple[Verdict, str]:
    try:
        photo = pictures.load(path)
    except PictureError as error:
        return Verdict.REFUSED, str(error)
    return patiently(partial(cloud.add_photo, person, photo), stop)


def _by_person(folder: Path, person: str | None) -> dict[str, list[Path]]:
    """The photos of each person. Raises ConfigError where a photo would be nobody's."""
    paths = pictures.find(folder)
    if person is not None:
        return {person: paths}
    loose = [path for path in paths if path.parent == folder]
    if loose:
        raise ConfigError(f"--input-folder: whom does {loose[0]} show? Name --person-id, or make a folder per person")
    photos: dict[str, list[Path]] = {}
    for path in paths:
        photos.setdefault(path.relative_to(folder).parts[0], []).append(path)
    return photos
