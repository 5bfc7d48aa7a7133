"""Show who is before a camera, or in a video.

Boxes: red = not a face for the server (too small, too large, unsure, blurred), blue = not recognised, green = the name
and how probable it is. A second window shows the crop that was sent last. The server is asked once per passage, and
again only when a clearly better picture is there. Each answer goes to standard output: seconds, passage, name or
"unknown", probability. A key of any scope will do. q or Esc ends.

example:
  python -m edge_client recognize --server https://faces.example.org --key-file operator.key \\
      --video-source 0 --multithreading
"""

import argparse
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from edge_client import options as shared
from edge_client.cloud import Cloud
from edge_client.config import read_key, server_address
from edge_client.drawing import Image, annotate, enlarged
from edge_client.progress import Progress
from edge_client.recogniser import Answer, Recogniser
from edge_client.settings import CameraSettings
from edge_client.stopping import stop_on_signals
from edge_client.videofile import VideoFile
from edge_client.viewing import detector_from, frames_from, settings_from
from edge_client.window import Screen

Result = TypeVar("Result")

_CROP_SIDE = 320  # pixels on the screen
_REACH = 0.6  # of the least size and confidence: faces down to there are found too, and shown as unfit
_SMALLEST = 12.0  # pixels


class AtOnce(Executor):
    """Does what is submitted before `submit` returns."""

    def submit(self, fn: Callable[..., Result], /, *args: Any, **kwargs: Any) -> Future[Result]:
        future: Future[Result] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - as with a thread, it is for whoever asks for the result
            future.set_exception(error)
        return future


def add_options(parser: argparse.ArgumentParser) -> None:
    shared.add_server_options(parser)
    shared.add_video_options(parser)
    shared.add_face_options(parser)
    group = parser.add_argument_group("display")
    group.add_argument(
        "--multithreading", action="store_true", help="ask in a thread, so that the picture never stalls"
    )
    group.add_argument(
        "--output", type=Path, metavar="FILE", help="write a video with the boxes (.mp4, .mkv, .avi, .webm)"
    )
    group.add_argument("--headless", action="store_true", help="open no window")


def run(options: argparse.Namespace) -> int:
    settings = settings_from(options)
    detector = detector_from(options, _wider(settings))
    cloud = Cloud(server_address(options.server), read_key(options.key_file))
    stop = stop_on_signals()
    with ExitStack() as stack:
        screen = None if options.headless else stack.enter_context(closing(Screen()))
        video = stack.enter_context(closing(VideoFile(options.output))) if options.output else None
        questions = stack.enter_context(ThreadPoolExecutor(1) if options.multithreading else AtOnce())
        frames = stack.enter_context(closing(frames_from(options, stop, watched=screen is not None)))
        recogniser = Recogniser(settings, cloud.identify, questions)
        with Progress("frames") as progress:
            for frame in frames:
                labels, answers = recogniser.look(frame, detector.search(frame.image))
                _report(answers, progress)
                picture = annotate(frame.image, labels)
                if video:
                    video.write(picture, frame.seconds)
                if screen and not _show(screen, picture, recogniser.last_picture):
                    stop.set()
                    break
                progress.step(f"{len(labels)} faces")
            _report(recogniser.leave() if stop.is_set() else recogniser.finish(), progress)
    return 1 if recogniser.unanswered else 0


def _wider(settings: CameraSettings) -> CameraSettings:
    """Settings that also find the faces that are shown as unfit."""
    return replace(
        settings,
        min_size=max(_SMALLEST, settings.min_size * _REACH),
        max_size=None,
        min_confidence=settings.min_confidence * _REACH,
    )


def _show(screen: Screen, picture: Image, crop: Image | None) -> bool:
    """Both windows. False once the user wants to end."""
    screen.show("facesite", picture)
    if crop is not None:
        screen.show("facesite: sent", enlarged(crop, _CROP_SIDE, f"{crop.shape[1]} x {crop.shape[0]} pixels"))
    return not screen.is_left()


def _report(answers: Iterable[Answer], progress: Progress) -> None:
    for answer in answers:
        who = "unknown" if answer.person is None else answer.person
        progress.say(f"{answer.seconds:.2f}\t{answer.track[:8]}\t{who}\t{answer.probability:.3f}")
