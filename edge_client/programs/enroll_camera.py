"""Enrol a person before a camera.

Takes --img-number good shots that differ from each other, and sends each as an enrolment photo; the server judges them,
and one that it refuses is taken anew. Frames with several faces are passed over. A window shows what is seen and
what was taken: let the person turn the head a little. q or Esc ends.

example:
  python -m edge_client enroll-camera --server https://faces.example.org --key-file operator.key --video-source 0 \\
      --person-id "Ada Lovelace" --create-id --legal-basis consent --legal-basis-date 2026-11-01 --train
"""

import argparse
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing

from edge_client import codec, enrolment
from edge_client import options as shared
from edge_client.cloud import Cloud, Verdict, patiently
from edge_client.config import read_key, server_address
from edge_client.detector import Face
from edge_client.drawing import BLUE, GREEN, RED, Image, Label, annotate, sheet
from edge_client.progress import Progress
from edge_client.shots import UNFIT, Chooser
from edge_client.source import Frame
from edge_client.stopping import stop_on_signals
from edge_client.viewing import detector_from, frames_from, settings_from
from edge_client.window import Screen

_MIN_SIZE = 64.0  # pixels, unless the options say otherwise: below, the server would refuse most
_MARGIN = 1.0  # of the box's longer side: the server looks for the face anew
_MAX_SIDE = 480  # pixels
_TILE = 160  # pixels on the screen
_COLUMNS = 4


def add_options(parser: argparse.ArgumentParser) -> None:
    shared.add_server_options(parser)
    parser.add_argument("--person-id", required=True, metavar="ID", help="whom the camera sees")
    parser.add_argument(
        "--img-number", type=shared.number(int, least=1, most=100), default=5, metavar="N", help="shots (%(default)s)"
    )
    enrolment.add_options(parser)
    shared.add_video_options(parser)
    shared.add_face_options(parser)
    parser.add_argument("--headless", action="store_true", help="open no window")


def run(options: argparse.Namespace) -> int:
    enrolment.check_options(options)
    detector = detector_from(options, settings_from(options, min_size=_MIN_SIZE))
    cloud = Cloud(server_address(options.server), read_key(options.key_file))
    stop = stop_on_signals()
    with ExitStack() as stack:
        screen = None if options.headless else stack.enter_context(closing(Screen()))
        enrolment.ensure_people(cloud, [options.person_id], options, stop)
        frames = stack.enter_context(closing(frames_from(options, stop, watched=screen is not None)))
        progress = stack.enter_context(Progress("frames"))
        session = Session(lambda photo: patiently(lambda: cloud.add_photo(options.person_id, photo), stop))
        for frame in frames:
            label, said = session.look(frame, detector.search(frame.image))
            if said:
                progress.say(said)
            progress.step(f"{len(session.taken)} of {options.img_number} taken")
            if screen and not _show(screen, annotate(frame.image, label), session.taken):
                break
            if len(session.taken) == options.img_number:
                break
    if len(session.taken) < options.img_number:
        print(f"only {len(session.taken)} of {options.img_number} photos were taken")
        return 1
    return 0 if not options.train or enrolment.train(cloud, stop) else 1


class Session:
    """Takes shots and has them judged. `taken` are those that the server has."""

    def __init__(self, add_photo: Callable[[bytes], tuple[Verdict, str]]) -> None:
        self._add_photo = add_photo
        self._chooser = Chooser()
        self._began: float | None = None
        self.taken: list[Image] = []

    def look(self, frame: Frame, faces: Sequence[Face]) -> tuple[list[Label], str]:
        """Take the frame if it is good. Returns labels for its faces, and the verdict if it was taken, with the seconds
        since the first frame.
        """
        if self._began is None:
            self._began = frame.seconds
        objection = self._chooser.objection(frame, faces)
        if objection:
            return [Label(face.box, RED if objection in UNFIT else BLUE, objection) for face in faces], ""
        (face,) = faces
        photo = codec.crop(frame.image, face.box, margin=_MARGIN, max_side=_MAX_SIDE)
        verdict, reason = self._add_photo(codec.encode(photo, "jpeg"))
        self._chooser.take(frame, face, accepted=verdict is not Verdict.REFUSED)
        moment = f"{frame.seconds - self._began:.2f} s"
        if verdict is Verdict.REFUSED:
            return [Label(face.box, RED, "refused")], f"{moment}: refused ({reason})"
        self.taken.append(photo)
        return [Label(face.box, GREEN, f"photo {len(self.taken)}")], f"{moment}: {verdict}"


def _show(screen: Screen, picture: Image, taken: Sequence[Image]) -> bool:
    screen.show("facesite", picture)
    if taken:
        screen.show("facesite: taken", sheet(taken, _TILE, _COLUMNS))
    return not screen.is_left()
