"""The command line's options."""

import argparse
import math
from collections.abc import Callable
from pathlib import Path

import edge_client
from edge_client import config

EXIT_CODES = """\
exit codes: 0 all crops delivered, 1 some crops lost or rejected, 2 an option is wrong, 3 the video cannot be read,
4 the server refuses the key or the camera"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python -m edge_client", description=edge_client.__doc__)
    commands = top.add_subparsers(metavar="command", required=True)
    command = commands.add_parser(
        "run",
        help="watch one camera and send its faces",
        description="Watch one camera: find and follow faces, and send the best pictures of each to the server.",
        epilog=EXIT_CODES,
    )
    _add_server_options(command.add_argument_group("server"))
    _add_video_options(command.add_argument_group("video"))
    _add_face_options(command.add_argument_group("faces"))
    command.add_argument("--verbose", action="store_true", help="log every crop")
    return top


def _add_server_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--server", required=True, metavar="URL", help="address, such as https://faces.example.org")
    group.add_argument(
        "--key-file",
        type=Path,
        metavar="PATH",
        help=f"file that holds the API key (or set {config.KEY_VARIABLE}; not an option, which others could see in ps)",
    )
    group.add_argument("--camera", required=True, metavar="ID", help="the camera's id on the server")
    group.add_argument(
        "--flush-seconds",
        type=_number(float, least=0),
        default=10.0,
        metavar="S",
        help="at the end, wait this long for crops not yet delivered (%(default)s)",
    )


def _add_video_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--video-source", required=True, metavar="FILE|URL|INDEX", help="video file, stream address or webcam number"
    )
    group.add_argument("--realtime", action="store_true", help="play a file at its own pace, as if it happened now")
    group.add_argument("--loop", action="store_true", help="play a file again and again (in real time)")
    group.add_argument(
        "--skip-frames",
        type=_number(int, least=0),
        default=0,
        metavar="N",
        help="analyse one frame, then skip N (%(default)s)",
    )
    group.add_argument(
        "--target-fps", type=_number(float, least=0.01), metavar="FPS", help="analyse at most so many frames per second"
    )


def _add_face_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--min-size", type=_number(float, least=12), default=40.0, metavar="PX", help="smallest face (%(default)s)"
    )
    group.add_argument("--max-size", type=_number(float, least=12), metavar="PX", help="largest face")
    group.add_argument(
        "--min-confidence",
        type=_number(float, least=0, most=1),
        default=0.9,
        metavar="P",
        help="least detector confidence, 0-1 (%(default)s)",
    )
    group.add_argument(
        "--detector-models",
        type=Path,
        metavar="DIR",
        help=f"folder with {', '.join(config.MODEL_FILES)} ({config.MODELS_VARIABLE}, or {config.DEFAULT_MODELS})",
    )
    group.add_argument("--codec", choices=("jpeg", "webp"), default="jpeg", help="format of the crops (%(default)s)")


def _number(kind: type[int | float], *, least: float, most: float = math.inf) -> Callable[[str], int | float]:
    def parse(text: str) -> int | float:
        value = kind(text)
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text} is not between {least:g} and {most:g}")
        return value

    parse.__name__ = "number"  # argparse's word for what it could not parse
    return parse
