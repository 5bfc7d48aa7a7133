"""A file that a crash left without a row is collected; that of an upload in progress is not."""

import os
import time
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from people import enrolment, orphans, tombstones
from people.models import Person
from recognition import storage as stored
from recognition.models import TrainedModel
from tests.fabricated import Eyes, make_person

pytestmark = pytest.mark.django_db

CRASHED = "11111111-1111-4111-8111-111111111111.jpg"


@pytest.fixture
def ada(eyes: Eyes, storage: Path) -> Person:
    person = make_person("ada")
    enrolment.add_photo(person, eyes.picture_of(1))
    return person


def leave(storage: Path, person: Person, hours_ago: float) -> Path:
    path = storage / enrolment.folder_of(person) / CRASHED
    stored.write_once(f"{enrolment.folder_of(person)}/{CRASHED}", b"stored, then the process died")
    then = time.time() - 3600 * hours_ago
    os.utime(path, (then, then))
    return path


def test_a_tombstone_that_is_stored_already_is_no_outage(
    ada: Person, storage: Path, caplog: pytest.LogCaptureFixture, django_capture_on_commit_callbacks: Callable
) -> None:
    for _ in range(2):
        with django_capture_on_commit_callbacks(execute=True):
            tombstones.set_for(ada)
    assert tombstones.copy_out() == 0
    assert (storage / "tombstones" / tombstones.remembered_as(ada)).exists()
    assert not caplog.records


def test_an_old_file_without_a_row_goes_and_those_with_one_stay(ada: Person, storage: Path) -> None:
    orphan = leave(storage, ada, hours_ago=2)
    assert orphans.collect() == 1
    assert not orphan.exists()
    assert (storage / ada.photos.get().file.name).exists()


def test_a_file_whose_row_may_be_on_its_way_stays(ada: Person, storage: Path) -> None:
    fresh = leave(storage, ada, hours_ago=0.5)
    assert orphans.collect() == 0
    assert fresh.exists()


def test_files_of_nobody_go_at_once(ada: Person, storage: Path) -> None:
    """Left when a process died between committing an erasure and deleting the files."""
    orphan = leave(storage, ada, hours_ago=0)
    Person.objects.filter(pk=ada.pk).delete()
    assert orphans.collect() == 2
    assert not orphan.parent.exists()


def test_what_is_not_ours_is_left_alone(ada: Person, storage: Path) -> None:
    stranger = storage / "photos" / "holiday" / "beach.jpg"
    stranger.parent.mkdir()
    stranger.write_bytes(b"somebody else's")
    assert orphans.collect(timedelta(0)) == 0
    assert stranger.exists()


def test_an_upload_is_never_collected_however_often_one_looks(
    eyes: Eyes, storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between storing the file and committing its row."""
    looked = []

    def look_between(name: str, data: bytes) -> None:
        write(name, data)
        looked.append(orphans.collect())

    write = stored.write_once
    monkeypatch.setattr(stored, "write_once", look_between)
    photo = enrolment.add_photo(make_person("ada"), eyes.picture_of(1))
    assert looked == [0]
    assert (storage / photo.file.name).exists()


def test_the_command_collects_photos_and_artifacts(ada: Person, storage: Path) -> None:
    leave(storage, ada, hours_ago=0)
    stray = f"{TrainedModel.FOLDER}/{'0' * 64}.safetensors"
    stored.write_once(stray, b"published half-way")
    out = StringIO()
    call_command("collect_orphans", "--older-than", "0", stdout=out)
    assert out.getvalue().strip() == "Deleted 1 photo files and 1 artifacts."
    assert not (storage / stray).exists()


def test_in_all_turns_each_folder_of_somebody_is_looked_into_once_and_those_of_nobody_go_in_any(
    eyes: Eyes, storage: Path
) -> None:
    left = [leave(storage, make_person(f"person {number}"), hours_ago=2) for number in range(10)]
    nobodys = leave(storage, Person(), hours_ago=0)
    counts = [orphans.collect(turn=turn) for turn in range(orphans.TURNS)]
    assert counts[0] >= 1
    assert max(counts) < 10
    assert sum(counts) == 11
    assert not any(path.exists() for path in (*left, nobodys))
