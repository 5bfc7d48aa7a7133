"""A backup brings everything back as it was, but for those who were erased since."""

import gzip
from collections.abc import Callable
from datetime import date, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import transaction
from django.utils import timezone

from access.models import ApiKey
from access.roles import Role
from detections import processing
from detections.models import Crop, Detection, EdgeNode, LastSeen
from facesite import tables
from people import erasure, tombstones
from people.importing import arriving
from people.models import Import, ImportedPhoto, Person, Photo, Tombstone
from people.tasks import run_training_job
from people.training import train
from recognition import heartbeats
from recognition import storage as stored
from recognition.loader import loader
from recognition.models import ActiveModel, Heartbeat, Job
from recognition.storage import StorageUnavailableError
from tests.fabricated import Eyes, enrol, eyes, fresh_loader, make_camera, make_node, operator_user, submit
from tests.people.test_import_archives import zipped

__all__ = ["eyes", "fresh_loader", "operator_user", "submit"]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def filled(
    storage: Path, eyes: Eyes, submit: Callable[..., object], make_user: Callable[..., User], fresh_loader: None
) -> Path:
    """An installation with a bit of everything; returns its storage."""
    make_user(Role.ADMIN, "rôot")
    key = ApiKey(name="node", scope=ApiKey.Scope.EDGE)
    key.issue()
    make_node(make_camera("gate"), key=key)
    for seed, name in enumerate(("Ada Lovelace", "Žofie „Z“ – \u202fÅström"), start=1):
        enrol(name, seed)
    train()
    for seed in (1, 2, 7):
        submit(eyes.picture_of(seed), track=f"t{seed}")
    processing.process_batch()
    submit(eyes.picture_of(3))  # waits
    return storage


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "backup.tar.gz"


def dumped() -> dict[str, bytes]:
    found = {}
    for model in tables.kept():
        buffer = BytesIO()
        tables.dump(model, buffer)
        found[model._meta.label_lower] = buffer.getvalue()
    return found


def differing(before: dict[str, bytes], after: dict[str, bytes]) -> set[str]:
    return {name for name in before if before[name] != after[name]}


def lose_everything(storage: Path) -> None:
    with transaction.atomic():
        tables.empty()
    for path in sorted(storage.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()


def test_everything_is_back_as_it_was(filled: Path, file: Path, eyes: Eyes) -> None:
    before, files = dumped(), {path.relative_to(filled) for path in filled.rglob("*") if path.is_file()}
    generation = ActiveModel.objects.get().generation
    call_command("backup", str(file))
    assert differing(before, dumped()) == set()  # and writing it changed nothing
    lose_everything(filled)
    call_command("restore", str(file))
    # The pointer has moved, so that every process looks again.
    assert differing(before, dumped()) == {"recognition.activemodel"}
    assert ActiveModel.objects.get().generation > generation
    assert {path.relative_to(filled) for path in filled.rglob("*") if path.is_file()} == files
    # It goes on working: the model loads, the crop that waited is done, new rows get new numbers.
    assert len(loader.current().classifier.labels) == 2
    assert processing.process_batch() == 1
    assert Crop.objects.exclude(state=Crop.State.DONE).count() == 0
    EdgeNode.objects.create(name="another")


@pytest.mark.slow
def test_the_file_is_for_its_owner_alone_and_is_never_overwritten(filled: Path, file: Path) -> None:
    call_command("backup", str(file))
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in file.parent.iterdir() if "backup" in path.name] == [file.name]
    with pytest.raises(CommandError, match="exists"):
        call_command("backup", str(file))


def test_whoever_was_erased_since_does_not_come_back(filled: Path, file: Path) -> None:
    call_command("backup", str(file))
    ada = Person.objects.get(face_id="Ada Lovelace")
    erasure.erase(ada)
    call_command("restore", str(file), replace=True)
    assert list(Person.objects.values_list("face_id", flat=True)) == ["Žofie „Z“ – \u202fÅström"]
    assert not Detection.objects.filter(person=ada.pk).exists()
    assert not LastSeen.objects.filter(person=ada.pk).exists()
    assert ada.label not in loader.current().classifier.labels
    assert len(loader.current().classifier.labels) == 1


@pytest.mark.parametrize("is_in_it", [False, True], ids=["left out", "in a backup of before"])
def test_nor_by_photos_that_waited_to_be_imported(
    filled: Path, file: Path, eyes: Eyes, monkeypatch: pytest.MonkeyPatch, *, is_in_it: bool
) -> None:
    data, bulk = zipped({"Marie/1.jpg": eyes.picture_of(5)}), Import(legal_basis="consent")
    bulk.legal_basis_date = date(2026, 1, 1)
    arriving.take_archive(bulk, BytesIO(data), len(data), User.objects.first())
    job = Job.objects.get(kind=Job.Kind.IMPORT_PHOTOS)
    with monkeypatch.context() as patch:
        if is_in_it:
            patch.setattr(tables, "PASSING", tables.PASSING - {"people.import", "people.importedphoto"})
        call_command("backup", str(file))
    run_training_job(str(job.pk))
    erasure.erase(Person.objects.get(face_id="Marie"))
    call_command("restore", str(file), replace=True)
    assert not ImportedPhoto.objects.exists()
    run_training_job(str(job.pk))
    job.refresh_from_db()
    assert (job.state, "Import it again" in job.message) == (Job.State.FAILED, True)
    assert not Person.objects.filter(face_id="Marie").exists()


@pytest.mark.slow
def test_a_newer_backup_knows_of_them_where_storage_was_lost_too(filled: Path, file: Path) -> None:
    call_command("backup", str(file))
    erasure.erase(Person.objects.get(face_id="Ada Lovelace"))
    newer = file.with_name("newer.tar.gz")
    call_command("backup", str(newer))
    lose_everything(filled)
    call_command("restore", str(file), newer=[newer])
    assert Person.objects.count() == 1
    assert tombstones.in_storage() == set(Tombstone.objects.values_list("digest", flat=True)) != set()


@pytest.mark.slow
def test_a_tombstone_that_storage_missed_is_stored_later(
    filled: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def away(*_: object) -> None:
        raise StorageUnavailableError("away")

    ada = Person.objects.get(face_id="Ada Lovelace")
    with monkeypatch.context() as patch:
        patch.setattr(tombstones.storage, "write_once", away)
        with transaction.atomic():
            tombstones.set_for(ada)
    assert tombstones.in_storage() == set()
    assert tombstones.copy_out() == 1
    assert tombstones.in_storage() == {tombstones.remembered_as(ada)}
    assert ada.label not in "".join(tombstones.in_storage())


@pytest.mark.slow
def test_photos_are_backed_up_and_a_missing_one_stops_nothing(filled: Path, file: Path) -> None:
    person = Person.objects.get(face_id="Ada Lovelace")
    for name in ("one.jpg", "two.jpg"):
        stored.write_once(f"photos/{person.pk}/{name}", name.encode())
        Photo.objects.create(person=person, file=f"photos/{person.pk}/{name}", sha256=name, explanation="Accepted.")
    stored.delete(f"photos/{person.pk}/two.jpg")
    call_command("backup", str(file))
    lose_everything(filled)
    call_command("restore", str(file))
    assert (filled / "photos" / str(person.pk) / "one.jpg").read_bytes() == b"one.jpg"


@pytest.mark.slow
@pytest.mark.parametrize("harm", ["cut short", "changed", "no archive"])
def test_a_damaged_backup_changes_nothing(filled: Path, file: Path, harm: str) -> None:
    call_command("backup", str(file))
    plain = gzip.decompress(file.read_bytes())
    if harm == "changed":
        file.write_bytes(gzip.compress(plain.replace(b"Ada Lovelace", b"Eve Lovelace", 1)))
    else:
        file.write_bytes(file.read_bytes()[:-2000] if harm == "cut short" else b"hello")
    before = dumped()
    with pytest.raises(CommandError, match="Nothing was restored"):
        call_command("restore", str(file), replace=True)
    assert differing(before, dumped()) == set()


@pytest.mark.slow
def test_it_is_refused_while_anybody_works_or_anything_would_be_lost(filled: Path, file: Path) -> None:
    call_command("backup", str(file))
    with pytest.raises(CommandError, match="--replace"):
        call_command("restore", str(file))
    heartbeats.beat("here:1", "web")
    with pytest.raises(CommandError, match="Stop web"):
        call_command("restore", str(file), replace=True)
    Heartbeat.objects.update(beat_at=timezone.now() - timedelta(minutes=2))
    call_command("restore", str(file), replace=True)


@pytest.mark.slow
def test_another_versions_backup_is_refused(filled: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    call_command("backup", str(file))
    monkeypatch.setattr(tables, "migrations", lambda: ["detections.9999_later"])
    with pytest.raises(CommandError, match="another version"):
        call_command("restore", str(file), replace=True)
