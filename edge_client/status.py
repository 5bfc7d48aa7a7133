"""The node's page for whoever stands beside the box: figures as HTML and JSON, on localhost only."""

import json
import logging
import math
import threading
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from html import escape
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, Self
from urllib.parse import urlsplit

import edge_client
from edge_client.node import Node, Watch
from edge_client.outbox import Outbox
from edge_client.settings import ConfigError, public_name

log = logging.getLogger(__name__)

_TIMEOUT = 5.0  # seconds for one request: there is one thread for all of them
_NAMES = {"localhost", "127.0.0.1", "::1"}


class StatusPage:
    """Serves the page while it is entered. Raises ConfigError: the port is taken."""

    def __init__(self, port: int, node: Node, outbox: Outbox) -> None:
        self._node, self._outbox = node, outbox
        self._started = datetime.now(UTC)
        try:
            self._server = _Server(("127.0.0.1", port), self.figures)
        except OSError as error:
            raise ConfigError(f"status_port: cannot use port {port}: {error.strerror}") from error
        self.port = self._server.server_port

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, name="status", daemon=True).start()
        log.info("status page: http://127.0.0.1:%d/", self.port)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def figures(self) -> dict[str, Any]:
        """As in /status.json. Times are ISO 8601, sizes bytes."""
        status = self._outbox.status()
        cameras = [_camera(watch) for watch in self._node.watches]
        return {
            "version": edge_client.__version__,
            "started_at": _text(self._started),
            "cameras": cameras,
            "link": {key: _text(value) for key, value in asdict(status).items()},
            "bytes_saved": max(0, sum(camera["video_bytes"] for camera in cameras) - status.bytes_sent),
        }


def _camera(watch: Watch) -> dict[str, Any]:
    figures, source = watch.camera.figures, watch.source
    return {
        "id": watch.config.id,
        "source": public_name(watch.config.source),
        "state": "ended" if watch.ended else "connected" if source.connected else "not connected",
        "error": str(watch.error or source.trouble),
        "frames": source.frames,
        "frames_per_second": round(figures.frames_per_second, 1),
        "faces_per_minute": round(figures.faces_per_minute, 1),
        "present": figures.active,
        "tracks": figures.tracks,
        "crops": figures.crops,
        "last_crop_at": _text(figures.last_crop_at),
        "video_bytes": round(source.video_bytes),
    }


def _text(value: object) -> object:
    return value.isoformat(timespec="seconds") if isinstance(value, datetime) else value


class _Server(HTTPServer):
    def __init__(self, address: tuple[str, int], figures: Callable[[], dict[str, Any]]) -> None:
        super().__init__(address, _Handler)
        self.figures = figures


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = _TIMEOUT

    def do_GET(self) -> None:
        if _host(self.headers.get("Host", "")) not in _NAMES:
            self.send_error(421)  # a page elsewhere whose name was made to point here (DNS rebinding) reads nothing
        elif self.path == "/status.json":
            self._answer("application/json", json.dumps(self.server.figures()))
        elif self.path == "/":
            self._answer("text/html; charset=utf-8", page(self.server.figures()))
        else:
            self.send_error(404)

    def _answer(self, kind: str, text: str) -> None:
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        log.debug(format, *args)


def _host(header: str) -> str | None:
    try:
        return urlsplit(f"//{header}").hostname
    except ValueError:
        return None


def page(figures: dict[str, Any]) -> str:
    """The figures as HTML that needs nothing else."""
    link = figures["link"]
    saved, sent = figures["bytes_saved"], link["bytes_sent"]
    video = saved + sent
    offset = link["clock_offset_s"]
    rows = {
        "Waiting": f"{link['queued']} crops, {_bytes(link['spool_bytes'])} on disk",
        "Sent": f"{link['sent']} crops, {_bytes(sent)}",
        "Saved": f"{_bytes(saved)} of {_bytes(video)} of video" + (f" ({saved / video:.1%})" if video else ""),
        "Lost": f"{link['dropped']} for want of room, {link['rejected']} rejected by the server",
        "Clock": "not compared yet" if offset is None else f"{offset:+.1f} s to the server",
        "Last contact": _moment(link["last_contact"]),
    }
    trouble = "The server refuses the API key." if link["refused"] else link["last_error"]
    return _PAGE.format(
        cameras="".join(map(_card, figures["cameras"])) or "<p>No camera yet.</p>",
        rows="".join(f"<dt>{name}<dd>{escape(text)}" for name, text in rows.items()),
        trouble=f'<p class="trouble">{escape(trouble)}' if trouble else "",
        version=escape(figures["version"]),
        started=escape(_moment(figures["started_at"])),
    )


def _card(camera: dict[str, Any]) -> str:
    return _CARD.format(
        **{key: escape(str(value)) for key, value in camera.items() if key != "error"},
        kind="good" if camera["state"] == "connected" else "bad",
        trouble=f'<p class="trouble">{escape(camera["error"])}' if camera["error"] else "",
        last_crop=escape(_moment(camera["last_crop_at"])),
    )


def _moment(text: str | None) -> str:
    return text.replace("T", " ").replace("+00:00", " UTC") if text else "none yet"


def _bytes(count: float) -> str:
    power = min(3, max(0, int(math.log10(max(1.0, count))) // 3))
    return f"{count / 1000**power:.{1 if power else 0}f} {('B', 'kB', 'MB', 'GB')[power]}"


_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="refresh" content="5"><title>Edge node</title>
<style>
:root {{ color-scheme: light dark; --line: #8885; --soft: #8882; --good: #1a7f37; --bad: #b35900 }}
@media (prefers-color-scheme: dark) {{ :root {{ --good: #56d364; --bad: #ffa657 }} }}
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 1rem }}
h1 {{ font-size: 1.4rem; margin: 0 }} h2 {{ font-size: 1.1rem; margin: 0 }} p {{ margin: .3rem 0 }}
.cards {{ display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr)); margin: 1rem 0 }}
section {{ border: 1px solid var(--line); border-radius: .5rem; padding: 1rem; min-width: 0; overflow-wrap: anywhere;
  font-variant-numeric: tabular-nums }}
.state {{ float: right; font-size: .85rem }} .good {{ color: var(--good) }} .bad, .trouble {{ color: var(--bad) }}
small, dt {{ color: GrayText; color: color-mix(in srgb, currentColor 65%, transparent) }}
dl {{ display: grid; grid-template-columns: auto 1fr; gap: .2rem 1rem; margin: .5rem 0 0 }}
dd {{ margin: 0 }}
</style>
<h1>Edge node</h1>
<div class="cards">{cameras}</div>
<section><h2>Link</h2>{trouble}<dl>{rows}</dl></section>
<p><small>Version {version}, started {started}. Sizes of videos are estimated from the bit rate that each source
announces, else at 0.08 bit per pixel.</small>
</html>
"""

_CARD = """<section><span class="state {kind}">{state}</span><h2>{id}</h2><small>{source}</small>{trouble}<dl>
<dt>Frames/s<dd>{frames_per_second}<dt>Faces/min<dd>{faces_per_minute}<dt>Present<dd>{present}
<dt>Visits<dd>{tracks}<dt>Crops<dd>{crops}<dt>Last crop<dd>{last_crop}</dl></section>
"""
