"""Watch cameras: find and follow faces, and send the best pictures of each to the server.

Either one camera, named with options, or many, named in a file of settings:

    python -m edge_client run --config edge.toml
    python -m edge_client run --server https://faces.example.org --key-file edge.key --camera entrance --video-source 0
"""

import argparse
import logging
import threading
from collections.abc import Sequence
from contextlib import ExitStack

import cv2

from edge_client import backoff, config
from edge_client import options as shared
from edge_client.camera import Camera
from edge_client.config import NodeConfig
from edge_client.detector import FaceDetector
from edge_client.models import Networks
from edge_client.node import Node
from edge_client.outbox import Outbox
from edge_client.roster import roster
from edge_client.server import NodeSettings, RefusedError, Server, UnavailableError
from edge_client.settings import CameraConfig, ConfigError
from edge_client.status import StatusPage
from edge_client.stopping import stop_on_signals

log = logging.getLogger(__name__)

_LOOK_EVERY = 1.0  # seconds between looks at the settings' version
_EXPECTED = (UnavailableError, RefusedError, ConfigError)


def add_options(parser: argparse.ArgumentParser) -> None:
    shared.add_node_options(parser)
    parser.add_argument(
        "--flush-seconds",
        type=shared.number(float, least=0),
        default=10.0,
        metavar="S",
        help="at the end, wait this long for crops not yet delivered; what is left goes out at the next start "
        "(%(default)s)",
    )


def run(options: argparse.Namespace) -> int:
    """Until the videos end or a signal asks to stop. Raises ConfigError, SourceError, RefusedError."""
    node_config = config.from_options(options)
    stop = stop_on_signals()
    cv2.setNumThreads(1)  # the cameras share the cores already
    networks = Networks(node_config.detectors, node_config.spool.path.parent / "models")
    server = Server(node_config.server, node_config.key)
    told = _ask(server, node_config)
    cameras = roster(node_config, told)
    outbox = Outbox(server, node_config.spool.path, node_config.spool.max_bytes)

    def make_camera(camera: CameraConfig) -> Camera:
        return Camera(camera, FaceDetector(networks.finder(camera.settings.detector), camera.settings), outbox)

    node = Node(outbox, make_camera, patient=node_config.patient)
    outbox.observe(node.stats)
    try:
        with ExitStack() as open_parts:
            if node_config.status_port:
                open_parts.enter_context(StatusPage(node_config.status_port, node, outbox))
            if not node_config.patient:
                node.watch(cameras)  # here, as what cannot be watched ends the program
            threading.Thread(
                target=_follow_settings,
                args=(node_config, told, cameras, node, outbox, stop),
                name="settings",
                daemon=True,
            ).start()
            node.run(stop)
    finally:
        stop.set()  # whatever ended it: nobody need ask for settings any more
        undelivered = outbox.close(options.flush_seconds)
        _log_totals(node, outbox, undelivered)
    return _exit_code(outbox, undelivered)


def _ask(server: Server, node_config: NodeConfig) -> NodeSettings | None:
    """What the server says of the node; None while it does not answer: a node may well start before its server.

    Raises RefusedError: for the one camera that somebody asked for. Many cameras go on, and their crops wait on disk.
    """
    try:
        return server.node()
    except UnavailableError as error:
        log.warning("%s; starting without it", error)
    except RefusedError as error:
        if node_config.only_stated:
            raise
        log.error("%s", error)  # noqa: TRY400
    return None


def _follow_settings(
    node_config: NodeConfig,
    told: NodeSettings | None,
    cameras: Sequence[CameraConfig],
    node: Node,
    outbox: Outbox,
    stop: threading.Event,
) -> None:
    """Watch the cameras; ask again where the server did not answer, and whenever it says that settings have changed.

    For a thread that can be left behind: models may take minutes to download.
    """
    server = Server(node_config.server, node_config.key)  # a connection is for one thread
    version = told and told.settings_version
    delays = backoff.delays()
    try:
        node.watch(cameras)
    except Exception as error:
        log.error("%s; trying again", error, exc_info=not isinstance(error, _EXPECTED))  # noqa: TRY400
        version = None
    wait = _LOOK_EVERY
    while not stop.wait(wait):
        latest = outbox.status().settings_version
        if version is not None and latest in {None, version}:
            wait = _LOOK_EVERY
            continue
        try:
            told = server.node()
            node.watch(roster(node_config, told, before=[watch.config for watch in node.watches]))
        except Exception as error:
            # For a year without a visit, as with what is sent.
            wait = max(_LOOK_EVERY, next(delays))
            log.warning("settings: %s; trying again in %.1f s", error, wait, exc_info=not isinstance(error, _EXPECTED))
            version = None
        else:
            version = told.settings_version
            delays = backoff.delays()
            wait = _LOOK_EVERY
            log.info("settings of the server taken over")


def _exit_code(outbox: Outbox, undelivered: int) -> int:
    status = outbox.status()
    if status.refused:
        raise RefusedError(status.last_error)
    return 1 if undelivered or status.dropped or status.rejected else 0


def _log_totals(node: Node, outbox: Outbox, undelivered: int) -> None:
    for watch in node.watches:
        figures = watch.camera.figures
        log.info(
            "%s: %d frames, %d analysed, %d faces, %d tracks",
            watch.config.id,
            watch.source.frames,
            figures.frames,
            figures.faces,
            figures.tracks,
        )
    status = outbox.status()
    log.info(
        "%d crops sent, %d rejected, %d dropped, %d undelivered",
        status.sent,
        status.rejected,
        status.dropped,
        undelivered,
    )
    video = sum(watch.source.video_bytes for watch in node.watches)
    log.info("%.1f kB sent for %.1f kB of video", status.bytes_sent / 1e3, video / 1e3)
