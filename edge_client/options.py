"""Command-line options that several programs share."""

import argparse
import math
from collections.abc import Callable
from pathlib import Path

from edge_client import config
from edge_client.settings import BOUNDS, CHOICES

EXIT_CODES = """\
exit codes: 0 all done and delivered, 1 something was lost, refused or is not yet delivered, 2 an option or a setting is
wrong, 3 the video cannot be read, 4 the server refuses the key or the camera"""


def add_server_options(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    """--server and --key-file."""
    group = parser.add_argument_group("server")
    group.add_argument("--server", required=required, metavar="URL", help="address, such as https://faces.example.org")
    group.add_argument(
        "--key-file",
        type=Path,
        metavar="PATH",
        help=f"file that holds the API key (or set {config.KEY_VARIABLE}; not an option, which others could see in ps)",
    )


def add_node_options(parser: argparse.ArgumentParser) -> None:
    """A file of settings, or all that makes up a node with one camera: what config.from_options reads."""
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings of the node and its cameras (TOML)")
    add_server_options(parser, required=False)
    group = parser.add_argument_group("node")
    group.add_argument("--camera", metavar="ID", help="the camera's id on the server")
    group.add_argument(
        "--spool",
        type=Path,
        default=config.DEFAULT_SPOOL,
        metavar="FILE",
        help="where crops wait for the server (%(default)s)",
    )
    group.add_argument(
        "--status-port", type=number(int, least=1, most=65535), metavar="PORT", help="status page on localhost"
    )
    group.add_argument(
        "--motion",
        action=argparse.BooleanOptionalAction,
        help="look for new faces only where something moves, and everywhere from time to time (default: yes)",
    )
    add_video_options(parser, required=False)
    add_face_options(parser)


def add_video_options(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    """--video-source, --realtime, --loop, --skip-frames and --target-fps."""
    group = parser.add_argument_group("video")
    group.add_argument(
        "--video-source",
        required=required,
        metavar="FILE|URL|INDEX",
        help="video file, stream address or webcam number",
    )
    group.add_argument("--realtime", action="store_true", help="play a file at its own pace, as if it happened now")
    group.add_argument("--loop", action="store_true", help="play a file again and again (in real time)")
    group.add_argument(
        "--skip-frames", type=_bounded("skip_frames"), metavar="N", help="analyse one frame, then skip N (default: 0)"
    )
    group.add_argument(
        "--target-fps", type=_bounded("target_fps"), metavar="FPS", help="analyse at most so many frames per second"
    )


def add_face_options(parser: argparse.ArgumentParser) -> None:
    """--min-size, --max-size, --min-confidence, --detector with its models, and --codec."""
    group = parser.add_argument_group("faces")
    group.add_argument("--min-size", type=_bounded("min_size"), metavar="PX", help="smallest face (default: 40)")
    group.add_argument("--max-size", type=_bounded("max_size"), metavar="PX", help="largest face")
    group.add_argument(
        "--min-confidence",
        type=_bounded("min_confidence"),
        metavar="P",
        help="least detector confidence, 0-1 (default: 0.9)",
    )
    group.add_argument("--detector", choices=CHOICES["detector"], help="how faces are found (default: mtcnn)")
    group.add_argument(
        "--detector-models",
        metavar="PATH|URL",
        help="the detector's networks: a folder or file, or an https address "
        f"({config.MODELS_VARIABLE}, or {config.DEFAULT_MODELS})",
    )
    group.add_argument("--detector-sha256", default="", metavar="HEX", help="checksum of what the address gives")
    group.add_argument("--codec", choices=CHOICES["codec"], help="format of the crops (default: webp)")


def _bounded(setting: str) -> Callable[[str], int | float]:
    kind, least, most = BOUNDS[setting]
    return number(kind, least=least, most=most)


def number(kind: type[int | float], *, least: float, most: float = math.inf) -> Callable[[str], int | float]:
    """An option's `type`: a number within bounds."""

    def parse(text: str) -> int | float:
        value = kind(text)
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text} is not between {least:g} and {most:g}")
        return value

    parse.__name__ = "number"  # argparse's word for what it could not parse
    return parse
