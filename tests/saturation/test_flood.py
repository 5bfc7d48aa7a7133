"""A flood of questions to a real server: quick refusals, true answers for the rest, and all is well afterwards."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import pytest
import requests
from django.conf import settings

from bench.server import set_up, web_server, worker_mb
from recognition.engine.images import decode, encode_jpeg
from tests import photographs

pytestmark = [pytest.mark.xdist_group("e2e"), pytest.mark.timeout(240)]

CLIENTS, EACH = 40, 3


@dataclass(frozen=True)
class Asked:
    expected_width: int
    answer: requests.Response
    seconds: float


def flood(server: str, key: str, clients: int = CLIENTS) -> list[Asked]:
    """Many clients at once, each of which asks again as soon as it is answered."""
    portrait = decode(photographs.portrait())
    images = [(width, encode_jpeg(cv2.resize(portrait, (width, 256)))) for width in (256, 288)]

    def client(number: int) -> list[Asked]:
        width, image = images[number % 2]
        with requests.Session() as session:
            session.headers["Authorization"] = f"Bearer {key}"
            return [ask(session, width, image) for _ in range(EACH)]

    def ask(session: requests.Session, width: int, image: bytes) -> Asked:
        started = time.monotonic()
        url = f"{server}/api/v1/face-recognition/get-results"
        answer = session.post(url, files={"image": image}, timeout=60)
        return Asked(width, answer, time.monotonic() - started)

    with ThreadPoolExecutor(clients) as pool:
        return [asked for several in pool.map(client, range(clients)) for asked in several]


@pytest.mark.slow
def test_a_flood_is_refused_quickly_and_leaves_no_trace(tmp_path: Path) -> None:
    (tmp_path / "nobody").mkdir()
    environment = os.environ | {
        "DATA_DIR": str(tmp_path),
        "PACKS_DIR": str(settings.PACKS_DIR),
        "DJANGO_SETTINGS_MODULE": "facesite.settings",
        "WEB_CONCURRENCY": "2",
        "WEB_THREADS": "8",
    }
    key = set_up(environment, tmp_path / "nobody", 0)
    with web_server(environment) as (url, master):
        asked = flood(url, key)
        memory = worker_mb(master)
        refused = [one for one in asked if one.answer.status_code == 503]
        answered = [one for one in asked if one.answer.status_code == 200]
        assert len(refused) + len(answered) == CLIENTS * EACH
        assert refused
        assert answered
        for one in refused:
            assert one.answer.json()["type"] == "busy"
            assert one.answer.headers["Retry-After"] == "1"
            assert one.answer.headers["Content-Type"] == "application/problem+json"
        for one in answered:
            assert one.answer.json()["width"] == one.expected_width
        # On a machine that does other things too.
        assert sorted(one.seconds for one in refused)[len(refused) // 2] < 3
        assert max(one.seconds for one in answered) < 15
        flood(url, key)
        assert sum(worker_mb(master)) <= 1.25 * sum(memory)
        assert {one.answer.status_code for one in flood(url, key, clients=1)} == {200}
