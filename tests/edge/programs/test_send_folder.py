"""`send-folder` against a running site: what is stored, what a second run does, what is only measured."""

import os
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from access.models import ApiKey
from detections.models import Crop
from edge_client.server import MAX_BATCH, Receipt, Server
from tests.edge.programs.conftest import Edge, write_key
from tests.fabricated import make_camera, make_node, plain_png

TAKEN = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def crops(tmp_path: Path) -> Path:
    """40 pictures of 32 x 32 pixels, more than one batch."""
    folder = tmp_path / "crops"
    (folder / "later").mkdir(parents=True)
    for number in range(40):
        path = folder / ("later" if number > 20 else "") / f"{number:02}.png"
        path.write_bytes(plain_png(number))
        os.utime(path, (TAKEN.timestamp(), TAKEN.timestamp()))
    return folder


@pytest.fixture
def gate(site: dict) -> dict:
    make_camera("gate")
    return site | {"camera": "gate"}


def test_images_become_crops_of_the_camera_at_their_time(edge: Edge, gate: dict, crops: Path, capsys) -> None:
    assert edge("send-folder", **gate, input_folder=crops) == 0
    stored = list(Crop.objects.all())
    assert len(stored) == 40 > MAX_BATCH
    assert {(crop.camera_id, crop.captured_at, crop.track) for crop in stored} == {("gate", TAKEN, None)}
    assert bytes(Crop.objects.get(sha256=stored[0].sha256).image).startswith(b"\x89PNG")
    assert "40 sent, 0 refused" in capsys.readouterr().out


def test_whole_photographs_are_searched_for_faces_of_any_size(edge: Edge, gate: dict, crops: Path) -> None:
    edge("send-folder", **gate, input_folder=crops)
    assert not any("box" in crop.metadata for crop in Crop.objects.all())


def test_a_second_run_has_no_second_effect(edge: Edge, gate: dict, crops: Path) -> None:
    edge("send-folder", **gate, input_folder=crops)
    before = set(Crop.objects.values_list("pk", "received_at"))
    (crops / "00.png").rename(crops / "renamed.png")
    assert edge("send-folder", **gate, input_folder=crops) == 0
    assert set(Crop.objects.values_list("pk", "received_at")) == before


def test_the_same_image_twice_counts_once(edge: Edge, gate: dict, crops: Path) -> None:
    (crops / "copy.png").write_bytes((crops / "00.png").read_bytes())
    assert edge("send-folder", **gate, input_folder=crops) == 0
    assert Crop.objects.count() == 40


def test_a_dry_run_stores_nothing(edge: Edge, gate: dict, crops: Path, capsys) -> None:
    assert edge("send-folder", **gate, input_folder=crops, dry_run=True) == 0
    assert not Crop.objects.exists()
    sent, kilobytes = re.search(r"(\d+) bytes sent in .* s, (\S+) kB/s", capsys.readouterr().out).groups()
    assert int(sent) > sum(path.stat().st_size for path in crops.rglob("*.png"))
    assert float(kilobytes) > 0


def test_stats_tell_count_and_means(edge: Edge, gate: dict, crops: Path, capsys) -> None:
    edge("send-folder", **gate, input_folder=crops, dry_run=True, stats=True)
    total = sum(path.stat().st_size for path in crops.rglob("*.png"))
    said = f"40 images, mean height 32.0 px, mean width 32.0 px, mean size {total / 40:.0f} bytes, {total} bytes in all"
    assert said in capsys.readouterr().out


def test_an_image_that_the_server_refuses_is_named_and_the_others_arrive(
    edge: Edge, gate: dict, crops: Path, capsys
) -> None:
    (crops / "03.png").write_bytes(b"no image")
    (crops / "05.png").write_bytes(b"")
    with (crops / "large.jpg").open("wb") as file:
        file.truncate(13 * 2**20)
    assert edge("send-folder", **gate, input_folder=crops) == 1
    printed = capsys.readouterr().out
    assert "03.png: refused (" in printed
    assert "large.jpg: refused (it has 13 MiB, at most 12 can be sent)" in printed
    assert "05.png: refused (it is empty)" in printed
    assert "38 sent, 3 refused" in printed
    assert Crop.objects.count() == 38


def test_where_the_server_blames_none_the_culprit_is_found(
    edge: Edge, gate: dict, crops: Path, monkeypatch, capsys
) -> None:
    def store(self: Server, batch: list, *others: object, **options: object) -> Receipt:
        guilty = any(b"culprit" in crop.image for crop in batch)
        return Receipt(stored=False, reason="too large", rejected={}) if guilty else send(self, batch, **options)

    send = Server.store
    monkeypatch.setattr(Server, "store", store)
    (crops / "00.png").write_bytes(plain_png() + b"culprit")
    assert edge("send-folder", **gate, input_folder=crops) == 1
    assert "00.png: refused (too large)" in capsys.readouterr().out
    assert Crop.objects.count() == 39


def test_a_folder_of_nothing_but_damaged_images_is_refused_one_by_one(
    edge: Edge, gate: dict, tmp_path: Path, capsys
) -> None:
    (tmp_path / "damaged").mkdir()
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / "damaged" / name).write_bytes(name.encode())
    assert edge("send-folder", **gate, input_folder=tmp_path / "damaged") == 1
    printed = capsys.readouterr().out
    assert "a.jpg: refused (" in printed
    assert "b.jpg: refused (" in printed
    assert "0 sent, 2 refused" in printed


def test_an_edge_key_sends_for_its_own_cameras_only(
    edge: Edge, gate: dict, crops: Path, tmp_path: Path, make_key: Callable[..., str], caplog
) -> None:
    gate["key_file"] = write_key(tmp_path, make_key(ApiKey.Scope.EDGE))
    make_node(make_camera("yard"), key=ApiKey.objects.get(scope=ApiKey.Scope.EDGE))
    assert edge("send-folder", **gate, input_folder=crops) == 4
    assert "the server has no camera 'gate' for this key; cameras: yard" in caplog.text
    assert edge("send-folder", **gate | {"camera": "yard"}, input_folder=crops) == 0
    assert Crop.objects.count() == 40
