"""`enroll-folder` against a running site: who is created, which photos are taken, and what a second run does."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from access.models import ApiKey
from edge_client import cloud
from people.models import Person, Photo
from people.tasks import run_training_job
from recognition import wakeup
from recognition.models import ActiveModel
from tests.edge.programs.conftest import Edge, write_key
from tests.fabricated import make_person, run_together
from tests.photographs import blurred, faceless, montage, portrait, second_portrait

BASIS = {"create_id": True, "legal_basis": "contract", "legal_basis_date": "2026-01-01"}


@pytest.fixture
def staff(tmp_path: Path) -> Path:
    folder = tmp_path / "staff"
    for name, photo in {
        "Ada Lovelace/1.jpg": portrait(),
        "Ada Lovelace/2.jpg": second_portrait(),
        "Grace/one.jpg": portrait("grace_hopper"),
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(photo)
    return folder


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Does training jobs as they come, in a thread, as the worker process would."""
    threads = []

    def wake(kind: str, *arguments: str) -> None:
        if kind == wakeup.TRAINING:
            threads.append(threading.Thread(target=run_together, args=(lambda: run_training_job(*arguments),)))
            threads[-1].start()

    monkeypatch.setattr(wakeup, "wake", wake)
    yield
    for thread in threads:
        thread.join()


def photos_of(face_id: str) -> int:
    return Photo.objects.filter(person__face_id=face_id, refusal="").count()


def test_a_folder_of_folders_enrols_each_person_under_its_name(edge: Edge, site: dict, staff: Path, capsys) -> None:
    assert edge("enroll-folder", **site, **BASIS, input_folder=staff) == 0
    assert (photos_of("Ada Lovelace"), photos_of("Grace")) == (2, 1)
    person = Person.objects.get(face_id="Grace")
    assert (person.legal_basis, str(person.legal_basis_date)) == ("contract", "2026-01-01")
    printed = capsys.readouterr().out
    assert "Ada Lovelace/1.jpg: accepted" in printed
    assert "3 accepted, 0 already there, 0 refused" in printed


def test_a_second_run_finds_the_photos_there(edge: Edge, site: dict, staff: Path, capsys) -> None:
    edge("enroll-folder", **site, **BASIS, input_folder=staff)
    assert edge("enroll-folder", **site, **BASIS, input_folder=staff) == 0
    assert "0 accepted, 3 already there, 0 refused" in capsys.readouterr().out
    assert Photo.objects.count() == 3


def test_with_a_person_id_all_photos_are_that_person_s(edge: Edge, site: dict, staff: Path) -> None:
    make_person("Ada")
    assert edge("enroll-folder", **site, input_folder=staff / "Ada Lovelace", person_id="Ada") == 0
    assert photos_of("Ada") == 2


def test_each_refused_photo_is_named_with_its_reason(edge: Edge, site: dict, tmp_path: Path, capsys) -> None:
    make_person("Ada")
    spoiled = {
        "two.jpg": montage(),
        "blurred.jpg": blurred(),
        "wall.png": faceless(),
        "empty.jpg": b"",
        "ok.jpg": portrait(),
    }
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, photo in spoiled.items():
        (folder / name).write_bytes(photo)
    assert edge("enroll-folder", **site, input_folder=folder, person_id="Ada") == 1
    printed = capsys.readouterr().out
    assert "two.jpg: refused (2 faces were found." in printed
    assert "blurred.jpg: refused (The face is too blurred" in printed
    assert "wall.png: refused (No face was found." in printed
    assert "empty.jpg: refused (it is empty)" in printed
    assert "ok.jpg: accepted\n" in printed
    assert "1 accepted, 0 already there, 4 refused" in printed


def test_train_follows_the_training_to_its_end(
    edge: Edge, site: dict, staff: Path, worker: None, capsys, monkeypatch
) -> None:
    monkeypatch.setattr("edge_client.enrolment._JOB_POLL", 0.05)
    assert edge("enroll-folder", **site, **BASIS, input_folder=staff, train=True) == 0
    assert ActiveModel.objects.get().model.people_count == 2
    assert "training: " in capsys.readouterr().out


def test_people_who_are_missing_are_named_before_anything_is_sent(edge: Edge, site: dict, staff: Path, caplog) -> None:
    make_person("Grace")
    assert edge("enroll-folder", **site, input_folder=staff) == 2
    assert "the server does not know Ada Lovelace: add --create-id" in caplog.text
    assert not Photo.objects.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"create_id": True}, "nobody is added without --legal-basis and --legal-basis-date"),
        ({"input_folder": "/nowhere"}, "there is no folder /nowhere"),
        ({"person_id": "../staff"}, "cannot be a person's id"),
        ({"person_id": "Zo\udceb"}, "write it in UTF-8"),
        ({"person_id": " Ada", **BASIS}, "must not begin or end with a space"),
        ({"person_id": "Ada", **BASIS, "legal_basis_date": "2999-01-01"}, "does not create 'Ada'"),
    ],
)
def test_what_makes_no_sense_is_named(edge: Edge, site: dict, staff: Path, caplog, options: dict, message: str) -> None:
    assert edge("enroll-folder", **site | {"input_folder": staff} | options) == 2
    assert message in caplog.text
    assert not Person.objects.exists()


def test_a_photo_beside_the_subfolders_is_nobody_s(edge: Edge, site: dict, staff: Path, caplog) -> None:
    (staff / "stray.jpg").write_bytes(portrait())
    assert edge("enroll-folder", **site, **BASIS, input_folder=staff) == 2
    assert "whom does" in caplog.text


def test_a_key_of_another_scope_is_told_which_it_takes(
    edge: Edge, site: dict, staff: Path, tmp_path: Path, make_key: Callable[..., str], caplog
) -> None:
    site["key_file"] = write_key(tmp_path, make_key(ApiKey.Scope.INTEGRATION))
    assert edge("enroll-folder", **site, **BASIS, input_folder=staff) == 4
    assert "Use an API key of the scope operator" in caplog.text


def test_a_server_that_stays_away_ends_the_program(edge: Edge, site: dict, staff: Path, monkeypatch, caplog) -> None:
    monkeypatch.setattr(cloud, "PATIENCE", 0.2)
    site["server"] = "http://127.0.0.1:9"
    assert edge("enroll-folder", **site, **BASIS, input_folder=staff) == 1
    assert "cannot reach http://127.0.0.1:9" in caplog.text


def test_a_signal_ends_it_after_the_photo_under_way(edge: Edge, site: dict, staff: Path, monkeypatch, capsys) -> None:
    def add(self: cloud.Cloud, person: str, photo: bytes) -> tuple[cloud.Verdict, str]:
        os.kill(os.getpid(), signal.SIGINT)
        return send(self, person, photo)

    send = cloud.Cloud.add_photo
    monkeypatch.setattr(cloud.Cloud, "add_photo", add)
    assert edge("enroll-folder", **site, **BASIS, input_folder=staff, train=True) == 1
    assert "interrupted" in capsys.readouterr().out
    assert Photo.objects.count() == 1
