"""Command line of the edge node: `python -m edge_client run --help`."""

import logging
import signal
import sys
import threading
from contextlib import closing
from pathlib import Path

from edge_client import backoff
from edge_client.agent import Agent
from edge_client.config import Config, ConfigError, from_options
from edge_client.detector import FaceDetector
from edge_client.options import parser
from edge_client.server import RefusedError, Server, UnavailableError
from edge_client.source import SourceError, open_frames, public_name
from edge_client.uploader import Uploader

log = logging.getLogger("edge_client")

FAILURES: dict[type[Exception], int] = {ConfigError: 2, SourceError: 3, RefusedError: 4}


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    options = parser().parse_args(arguments)
    logging.basicConfig(
        level=logging.DEBUG if options.verbose else logging.INFO, format="%(asctime)s %(levelname)s %(message)s"
    )
    logging.getLogger("urllib3").setLevel(logging.INFO)
    try:
        return run(from_options(options), flush_seconds=options.flush_seconds)
    except tuple(FAILURES) as error:
        log.critical("%s", error)
        return FAILURES[type(error)]


def run(settings: Config, *, flush_seconds: float) -> int:
    """Serve one camera until its video ends or a signal asks to stop. Raises ConfigError, SourceError, RefusedError."""
    stop = _stop_on_signals()
    detector = _open_detector(settings)
    server = Server(settings.server, settings.key)
    if not _wait_for(server, settings.camera, stop):
        return 0
    log.info("camera %s: %s to %s", settings.camera, public_name(settings.source), settings.server)
    uploader = Uploader(server)
    agent = Agent(settings, detector, uploader)
    try:
        with closing(open_frames(settings, stop)) as frames:
            agent.run(frames, stop)
    finally:
        undelivered = uploader.close(flush_seconds)
        _log_totals(agent, uploader, undelivered, settings)
    if uploader.failure:
        raise uploader.failure
    return 1 if undelivered or uploader.dropped or uploader.rejected else 0


def _stop_on_signals() -> threading.Event:
    stop = threading.Event()

    def on_signal(number: int, _frame: object) -> None:
        stop.set()
        signal.signal(number, signal.SIG_DFL)  # who asks twice does not want to wait

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    return stop


def _open_detector(settings: Config) -> FaceDetector:
    return FaceDetector(
        settings.models,
        min_size=settings.min_size,
        max_size=settings.max_size,
        min_confidence=settings.min_confidence,
    )


def _wait_for(server: Server, camera: str, stop: threading.Event) -> bool:
    """True when the server knows the camera; False when stopped first. A node may well start before its server."""
    for delay in backoff.delays():
        try:
            server.check_camera(camera)
        except UnavailableError as error:
            wait = max(delay, error.retry_after)
            log.warning("%s; trying again in %.1f s", error, wait)
            if stop.wait(wait):
                break
        else:
            return True
    return False


def _log_totals(agent: Agent, uploader: Uploader, undelivered: int, settings: Config) -> None:
    totals = agent.totals
    log.info("%d frames, %d analysed, %d faces, %d tracks", totals.frames, totals.analysed, totals.faces, totals.tracks)
    log.info(
        "%d crops sent, %d rejected, %d dropped, %d undelivered",
        uploader.sent,
        uploader.rejected,
        uploader.dropped,
        undelivered,
    )
    log.info("%.1f kB sent for %.1f MB of raw frames", uploader.bytes_sent / 1e3, totals.raw_bytes / 1e6)
    if isinstance(settings.source, Path):
        log.info("the video file itself has %.1f kB", settings.source.stat().st_size / 1e3)


if __name__ == "__main__":
    sys.exit(main())
