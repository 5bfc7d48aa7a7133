"""Many people are enrolled from a zip or a folder: on one legal basis, each file reported, nothing half-done."""

import io
import json
import zipfile
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from access.models import AuditEntry
from access.roles import Role
from detections.retention import apply_retention
from people import enrolment, erasure
from people.importing import arriving, performing
from people.models import Import, ImportedPhoto, Person, Photo
from people.tasks import run_training_job
from people.training import train
from recognition import jobs, stopping, wakeup
from recognition.engine.packs import Pack
from recognition.models import Job
from recognition.storage import StorageUnavailableError
from tests.fabricated import Eyes, enrol, eyes, fresh_loader, make_person, run_together
from tests.people.test_import_archives import zipped
from tests.web.sightings import text

__all__ = ["eyes", "fresh_loader"]

ADD = "/admin/people/import/add/"
BASIS = {"legal_basis": "consent", "legal_basis_date": "2026-01-01", "legal_basis_expires": "2027-01-01"}

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("pack", "storage")]


@pytest.fixture(autouse=True)
def woken(monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: object) -> list[tuple]:
    messages = []
    monkeypatch.setattr(wakeup, "wake", lambda *message: messages.append(message))
    return messages


def send(client: Client, files: dict[str, bytes], **fields: str) -> HttpResponse:
    archive = SimpleUploadedFile("people.zip", zipped(files))
    return client.post(ADD, {**BASIS, "known": "add", "archive": archive, **fields})


def work() -> Job:
    job = Job.objects.get(kind=Job.Kind.IMPORT_PHOTOS, state__in=(Job.State.QUEUED, Job.State.RUNNING))
    run_training_job(str(job.pk))
    job.refresh_from_db()
    return job


def outcomes() -> dict[str, tuple[str, str]]:
    return {row.path: (row.outcome, row.explanation) for row in ImportedPhoto.objects.all()}


def report(client: Client) -> str:
    return text(client.get(reverse("admin:people_import_change", args=[Import.objects.get().pk])))


def test_every_file_is_enrolled_or_told_why_not(operator: Client, eyes: Eyes) -> None:
    files = {
        "Ada/1.jpg": eyes.picture_of(1),
        "Ada/room.jpg": eyes.picture(),
        "Ada/notes.txt": b"no image",
        "Ada/empty.jpg": b"",
        "Ada/old/2.jpg": eyes.picture_of(1),
        "Grace/1.jpg": eyes.picture_of(2),
        "../evil.jpg": eyes.picture_of(3),
        "loose.jpg": eyes.picture_of(3),
        "Only text/a.txt": b"no image",
    }
    answer = send(operator, files)
    assert answer.status_code == 302
    assert not Person.objects.exists(), "nobody is enrolled before a worker has looked"
    job = work()
    assert (job.state, job.message) == (Job.State.SUCCEEDED, "Photos accepted: 2; people: 2.")
    assert {path: outcome for path, (outcome, _) in outcomes().items()} == {
        "Ada/1.jpg": "accepted",
        "Ada/room.jpg": "refused",
        "Ada/notes.txt": "unusable",
        "Ada/empty.jpg": "unusable",
        "Ada/old/2.jpg": "unusable",
        "Grace/1.jpg": "accepted",
        "../evil.jpg": "unusable",
        "loose.jpg": "unusable",
        "Only text/a.txt": "unusable",
    }
    assert sorted(Person.objects.values_list("face_id", flat=True)) == ["Ada", "Grace"]
    for person in Person.objects.all():
        assert (person.legal_basis, person.legal_basis_date) == ("consent", date(2026, 1, 1))
        assert person.legal_basis_expires == date(2027, 1, 1)
    assert not ImportedPhoto.objects.exclude(image=None).exists(), "what was looked at is not kept twice"
    page = report(operator)
    for words in ("Photos accepted: 2; people: 2.", "No face was found", "points out of the folder", "Grace/1.jpg"):
        assert words in page
    assert {"import", "add", "add photo"} <= set(AuditEntry.objects.values_list("action", flat=True))
    assert Photo.objects.filter(refusal="").first().added_by.username == Role.OPERATOR


def test_the_same_again_adds_nothing(operator: Client, eyes: Eyes) -> None:
    files = {"Ada/1.jpg": eyes.picture_of(1), "Ada/2.jpg": eyes.picture_of(1)}
    for _ in range(2):
        send(operator, files)
        work()
    assert Photo.objects.count() == 2
    assert ImportedPhoto.objects.filter(outcome="duplicate").count() == 2


def test_a_worker_that_dies_leaves_the_rest_to_the_next(
    operator: Client, eyes: Eyes, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(operator, {f"Ada/{number}.jpg": eyes.picture_of(1) for number in range(4)})
    whole, looked = enrolment.add_photo, []

    def dying(*args: object) -> Photo:
        looked.append(args)
        if len(looked) == 3:
            monkeypatch.setattr(stopping, "is_asked", lambda: True)
        return whole(*args)

    monkeypatch.setattr(enrolment, "add_photo", dying)
    job = work()
    assert (job.state, ImportedPhoto.objects.filter(outcome="accepted").count()) == (Job.State.QUEUED, 3)
    monkeypatch.setattr(stopping, "is_asked", lambda: False)
    assert work().message == "Photos accepted: 4; people: 1."
    assert len(looked) == 4


def test_whoever_is_enrolled_already_can_be_left_as_they_are(operator: Client, eyes: Eyes) -> None:
    ada = enrol("Ada", seed=1)
    send(operator, {"Ada/1.jpg": eyes.picture_of(1), "Grace/1.jpg": eyes.picture_of(2)}, known="skip")
    work()
    assert outcomes()["Ada/1.jpg"][0] == "skipped"
    assert (ada.photos.count(), Person.objects.count()) == (2, 2)


def test_photos_are_added_to_whoever_is_there_on_their_own_basis(operator: Client, eyes: Eyes) -> None:
    ada = enrol("Ada", seed=1)
    expired = make_person("Grace", legal_basis_expires=date(2026, 2, 1))
    send(operator, {"Ada/1.jpg": eyes.picture_of(1), "Grace/1.jpg": eyes.picture_of(2), "ADA/2.jpg": b""})
    work()
    assert ada.photos.count() == 2, "two folders stood for one name"
    send(operator, {"Ada/1.jpg": eyes.picture_of(1), "grace/1.jpg": eyes.picture_of(2), "Grace ": b""})
    work()
    ada.refresh_from_db()
    assert (ada.photos.count(), ada.legal_basis_expires) == (3, None)
    assert any("There is a person “Grace”" in said for _, said in outcomes().values())
    assert any("has expired" in said for _, said in outcomes().values())
    assert not expired.photos.exists()


def test_of_people_whose_names_differ_by_their_capitals_alone_each_has_their_own(operator: Client, eyes: Eyes) -> None:
    for name in ("Anna", "anna"):
        make_person(name)
    send(operator, {"Anna/1.jpg": eyes.picture_of(1), "anna/1.jpg": eyes.picture_of(2)})
    work()
    assert {row.path: row.person.face_id for row in ImportedPhoto.objects.all()} == {
        "Anna/1.jpg": "Anna",
        "anna/1.jpg": "anna",
    }


def test_a_photo_of_somebody_else_is_pointed_out(operator: Client, eyes: Eyes, pack: Pack) -> None:
    grace = enrol("Grace", seed=2)
    enrol("Marie", seed=3)
    train()
    send(operator, {"Ada/1.jpg": eyes.picture_of(2)})
    work()
    assert ImportedPhoto.objects.get().resembles == grace
    assert "it resembles" in report(operator)
    erasure.erase(grace)
    assert "it resembles" not in report(operator)


def test_who_is_erased_goes_out_of_the_import_too(operator: Client, eyes: Eyes) -> None:
    ada = enrol("Ada", seed=1)
    send(operator, {"Ada/1.jpg": eyes.picture_of(1), "Ada/deep/2.jpg": b"x", "Grace/1.jpg": eyes.picture_of(2)})
    erasure.erase(ada)
    work()
    assert list(outcomes()) == ["Grace/1.jpg"]
    assert [person.face_id for person in Person.objects.all()] == ["Grace"]


@pytest.mark.skipif(connection.vendor == "sqlite", reason="on SQLite an erasure waits until all of it is here")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("fields", [{}, {"archive": "", "paths": '["all/Ada/1.jpg"]'}], ids=["zip", "folder"])
def test_of_what_comes_in_while_somebody_in_it_is_erased_nothing_is_taken(
    operator: Client, eyes: Eyes, monkeypatch: pytest.MonkeyPatch, fields: dict
) -> None:
    ada, expect = make_person("Ada"), arriving._expect

    def expect_and_erase(*arguments: object) -> list[ImportedPhoto]:
        rows = expect(*arguments)
        run_together(lambda: erasure.erase(ada))
        return rows

    monkeypatch.setattr(arriving, "_expect", expect_and_erase)
    answer = send(operator, {"Ada/1.jpg": eyes.picture_of(1)}, **fields)
    assert "Send it again." in text(answer)
    assert not Import.objects.exists()
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"legal_basis": ""}, "This field is required."),
        ({"legal_basis_date": ""}, "This field is required."),
        ({"legal_basis_date": "2099-01-01", "legal_basis_expires": ""}, "must not begin in the future"),
        ({"legal_basis_expires": "2025-01-01"}, "would end before it begins"),
        ({"archive": SimpleUploadedFile("a.zip", b"no zip")}, "no zip, or a damaged one"),
        ({"archive": ""}, "Choose a zip or a folder"),
        ({"archive": "", "paths": "{}"}, "no list of files"),
        ({"archive": "", "paths": "[" * 100_000}, "no list of files"),
        ({"archive": "", "paths": '["Ada/"]'}, "no files in this folder"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_refused_as_a_whole_leaves_nothing(operator: Client, change: dict, words: str) -> None:
    answer = send(operator, {"Ada/1.jpg": b"x"}, **change)
    assert answer.status_code == 200
    assert words in text(answer)
    assert not Import.objects.exists()
    assert not Job.objects.exists()


def test_a_zip_bomb_leaves_nothing(operator: Client) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("Ada/1.jpg", bytes(11 * 2**20))
    answer = operator.post(ADD, {**BASIS, "known": "add", "archive": SimpleUploadedFile("a.zip", file.getvalue())})
    assert "Photos do not shrink like that" in text(answer)
    assert not Import.objects.exists()


def test_a_zip_that_is_too_large_is_refused_before_it_is_read(operator: Client) -> None:
    answer = operator.generic("POST", ADD, b"", CONTENT_LENGTH=str(60 * 2**20))
    assert answer.status_code == 413
    assert "larger than the 51 MiB" in text(answer)
    assert "A folder may be larger than a zip" in text(answer)


def announce(client: Client, paths: list[str], **fields: str) -> str:
    answer = client.post(ADD, {**BASIS, "known": "add", "paths": json.dumps(paths), **fields})
    assert answer.status_code == 302
    return str(Import.objects.get().pk)


def test_a_folder_comes_file_by_file(operator: Client, eyes: Eyes, woken: list) -> None:
    pk = announce(operator, ["all/Ada/1.jpg", "all/Ada/.DS_Store", "all/Grace/1.jpg", "all/Grace/2.jpg", "all/x/../y"])
    photos, start = reverse("admin:people_import_photos", args=[pk]), reverse("admin:people_import_start", args=[pk])

    def give(number: object, data: bytes) -> int:
        return operator.post(photos, {"number": number, "photo": SimpleUploadedFile("x", data)}).status_code

    first = eyes.picture_of(1)
    assert give(0, first) == give(0, b"something else") == 204
    assert give(2, b"") == 204
    assert [give(number, first) for number in ("x", "-1", "²")] == [400, 400, 400]
    assert operator.post(photos, {"number": 3}).status_code == 400
    assert "Choose the same folder again" in report(operator)
    assert not woken
    for _ in range(2):
        operator.post(start)
    assert give(3, first) == 404, "nothing is added once it has started"
    work()
    assert {path: outcome for path, (outcome, _) in outcomes().items()} == {
        "all/Ada/1.jpg": "accepted",
        "all/Grace/1.jpg": "unusable",
        "all/Grace/2.jpg": "unusable",
        "all/x/../y": "unusable",
    }
    assert outcomes()["all/Grace/2.jpg"][1] == "It did not arrive. Import it again."
    assert [person.face_id for person in Person.objects.all()] == ["Ada"]


def test_of_a_folder_the_files_of_whoever_is_erased_meanwhile_are_passed_over(operator: Client, eyes: Eyes) -> None:
    ada = enrol("Ada", 1)
    pk = announce(operator, ["all/Ada/1.jpg", "all/Grace/1.jpg"])
    erasure.erase(ada)
    for number in (0, 1):
        photo = SimpleUploadedFile("x", eyes.picture_of(number))
        answer = operator.post(reverse("admin:people_import_photos", args=[pk]), {"number": number, "photo": photo})
        assert answer.status_code == 204
    assert outcomes() == {"all/Grace/1.jpg": ("waiting", "")}


def test_a_folder_has_limits(operator: Client, eyes: Eyes, settings: object) -> None:
    settings.MAX_IMPORT_PHOTOS = 2
    answer = operator.post(ADD, {**BASIS, "known": "add", "paths": json.dumps(["a/1", "a/2", "a/3"])})
    assert "3 files in this folder; 2 are taken" in text(answer)
    settings.MAX_IMPORT_BYTES = 10
    pk = announce(operator, ["a/1", "a/2"])
    photos = reverse("admin:people_import_photos", args=[pk])
    answer = operator.post(photos, {"number": 0, "photo": SimpleUploadedFile("x", eyes.picture_of(1))})
    assert (answer.status_code, b"in several parts" in answer.content) == (413, True)


def test_the_report_follows_the_worker(operator: Client, eyes: Eyes) -> None:
    send(operator, {"Ada/1.jpg": eyes.picture_of(1)})
    progress = reverse("admin:people_import_progress", args=[Import.objects.get().pk])
    assert "Waiting for a worker." in text(operator.get(progress))
    assert "hx-trigger" in report(operator)
    work()
    assert operator.get(progress)["HX-Refresh"] == "true"
    assert "hx-trigger" not in report(operator)
    assert "Photos accepted: 1; people: 1." in text(operator.get("/admin/people/import/"))


def test_photos_that_wait_for_somebody_who_is_enrolled_meanwhile_go_with_them(operator: Client, eyes: Eyes) -> None:
    send(operator, {"Ada/1.jpg": eyes.picture_of(1), "Grace/1.jpg": eyes.picture_of(2)})
    assert erasure.erase(enrol("Ada", 1))["importedphoto"] == 1
    work()
    assert list(outcomes()) == ["Grace/1.jpg"]
    assert [person.face_id for person in Person.objects.all()] == ["Grace"]


def test_before_somebody_is_erased_it_is_said_how_many_imported_photos_go_with_them(
    operator: Client, eyes: Eyes
) -> None:
    ada = enrol("Ada", 1)
    send(operator, {"Ada/1.jpg": eyes.picture_of(1), "Ada/2.txt": b"", "Grace/1.jpg": eyes.picture_of(2)})
    grace = enrol("Grace", 2)
    for person, count in ((ada, 2), (grace, 1)):
        page = text(operator.get(reverse("admin:people_person_delete", args=[person.pk])))
        assert f"<li>imported photos: {count}</li>" in page
        assert erasure.erase(person)["importedphoto"] == count


def test_nor_does_the_photo_that_a_worker_just_looks_at_enrol_them_again(
    operator: Client, eyes: Eyes, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(operator, {"Ada/1.jpg": eyes.picture_of(1)})
    ada, look = enrol("Ada", 1), performing._find_or_add

    def erase_and_look(*arguments: object) -> Person | None:
        erasure.erase(ada)
        return look(*arguments)

    monkeypatch.setattr(performing, "_find_or_add", erase_and_look)
    assert work().state == Job.State.SUCCEEDED
    assert not Person.objects.exists()
    assert not ImportedPhoto.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_account_that_is_deleted_meanwhile_costs_no_photo(
    operator: Client, eyes: Eyes, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(operator, {f"Ada/{number}.jpg": eyes.picture_of(1) for number in range(3)})
    judge = enrolment.judge

    def delete_and_judge(*arguments: object) -> enrolment.Verdict:
        User.objects.all().delete()
        return judge(*arguments)

    monkeypatch.setattr(enrolment, "judge", delete_and_judge)
    assert work().message == "Photos accepted: 3; people: 1."
    assert set(Photo.objects.values_list("added_by", flat=True)) == {None}


def test_a_photo_at_which_every_worker_fails_is_left_out_and_the_others_come_in(
    operator: Client, eyes: Eyes, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(operator, {f"{name}/1.jpg": eyes.picture_of(seed) for seed, name in enumerate(("Ada", "Grace", "Marie"))})
    whole, looked = enrolment.add_photo, []

    def fail_at_grace(person: Person, *rest: object) -> Photo:
        looked.append(person.face_id)
        if person.face_id == "Grace":
            raise MemoryError
        return whole(person, *rest)

    monkeypatch.setattr(enrolment, "add_photo", fail_at_grace)
    while (job := work()).state == Job.State.RUNNING:
        Job.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    assert (job.state, job.message) == (Job.State.SUCCEEDED, "Photos accepted: 2; people: 2.")
    assert looked == ["Ada", "Grace", "Grace", "Marie"]
    assert (outcomes()["Grace/1.jpg"][0], "could not be looked at" in report(operator)) == ("unusable", True)
    assert not ImportedPhoto.objects.exclude(image=None).exists()


@pytest.mark.parametrize("deaths", [1, performing.MAX_ATTEMPTS])
def test_what_a_worker_enrolled_before_it_died_is_no_duplicate_of_itself(
    operator: Client, eyes: Eyes, monkeypatch: pytest.MonkeyPatch, deaths: int
) -> None:
    data = eyes.picture_of(1)
    send(operator, {"Ada/1.jpg": data, "Ada/copy.jpg": data})

    def die(*_: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(performing, "looks_like", die)
        for _ in range(deaths):
            work()
            Job.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    assert work().message == "Photos accepted: 1; people: 1."
    assert {path: outcome for path, (outcome, _) in outcomes().items()} == {
        "Ada/1.jpg": "accepted",
        "Ada/copy.jpg": "duplicate",
    }


def test_storage_that_is_away_counts_against_no_photo(
    operator: Client, eyes: Eyes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise StorageUnavailableError

    send(operator, {"Ada/1.jpg": eyes.picture_of(1)})
    with monkeypatch.context() as patch:
        patch.setattr(enrolment.storage, "write_once", away)
        for _ in range(4):
            work()
            Job.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    assert work().message == "Photos accepted: 1; people: 1."


def test_training_waits_for_an_import_and_both_are_done(operator: Client, eyes: Eyes) -> None:
    send(operator, {"Ada/1.jpg": eyes.picture_of(1)})
    bulk = Import.objects.get()
    assert jobs.claim(bulk.job_id) is not None
    assert jobs.claim(jobs.request(Job.Kind.OPTIMIZED_TRAIN).pk) is None


def test_an_import_whose_rows_are_gone_says_so() -> None:
    job = jobs.add(Job.Kind.IMPORT_PHOTOS, None, total=1)
    with pytest.raises(jobs.JobError, match="deleted"):
        performing.perform(job)


def test_reports_and_what_was_never_sent_are_forgotten(operator: Client, eyes: Eyes) -> None:
    send(operator, {"Ada/1.jpg": eyes.picture_of(1)})
    Import.objects.update(created_at=timezone.now() - timedelta(days=30))
    apply_retention()
    assert Import.objects.exists(), "it waits for a worker"
    work()
    announce_only = Import.objects.create(**BASIS)
    Import.objects.filter(pk=announce_only.pk).update(created_at=timezone.now() - timedelta(hours=25))
    apply_retention()
    assert not Import.objects.exists()
    assert Photo.objects.count() == 1


def test_no_viewer_imports(visit_as: Callable[[Role], Client]) -> None:
    viewer = visit_as(Role.VIEWER)
    assert send(viewer, {"Ada/1.jpg": b"x"}).status_code in {302, 403}
    assert not Import.objects.exists()
