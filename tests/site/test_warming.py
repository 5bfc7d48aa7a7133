"""A web process loads the engine by itself, so that nobody's first request waits for it."""

import gc
import threading
from pathlib import Path

import pytest
from django.conf import LazySettings

from facesite import warming, webserver
from recognition import heartbeats
from recognition.loader import loader

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh_loader() -> None:
    loader.__init__()
    yield
    loader.__init__()


def test_loading_leaves_a_model_in_service() -> None:
    former = gc.get_threshold()
    warming.load_engine()
    try:
        assert loader._serving is not None
        assert gc.get_freeze_count(), "garbage is looked for among what lives for ever"
        assert gc.get_threshold() == warming.THRESHOLDS
    finally:
        gc.unfreeze()
        gc.set_threshold(*former)


def test_without_a_pack_the_process_starts_all_the_same(
    settings: LazySettings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings.PACKS_DIR = tmp_path
    warming.load_engine()
    assert "packs build" in caplog.text
    assert loader._serving is None


def test_a_new_web_process_loads_in_the_background(monkeypatch: pytest.MonkeyPatch) -> None:
    threads, beating = [], []
    loaded = threading.Event()

    def load() -> None:
        threads.append(threading.current_thread())
        loaded.set()

    monkeypatch.setattr(warming, "load_engine", load)
    monkeypatch.setattr(heartbeats, "start", beating.append)
    webserver.post_worker_init(None)
    assert loaded.wait(10)
    assert threads != [threading.main_thread()]
    assert beating == ["web"]
