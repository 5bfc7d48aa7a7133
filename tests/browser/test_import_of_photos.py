"""A folder and a zip of many people are imported in the browser, with progress and a report."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest
from django.db import connection
from django.urls import reverse
from playwright.sync_api import Page, expect

from access.roles import Role
from people.importing import arriving
from people.models import Import, Person
from people.tasks import run_training_job
from recognition import wakeup
from recognition.engine.packs import Pack
from recognition.models import Job
from tests.people.test_import_archives import zipped
from tests.photographs import faceless, portrait

FOLDER = {
    "Eileen Collins/1.jpg": portrait,
    "Eileen Collins/room.jpg": faceless,
    "Nobody/notes.txt": lambda: b"no image",
}

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@contextmanager
def worker() -> Iterator[None]:
    """Does whatever job waits, as a process beside the web server would."""

    def work() -> None:
        try:
            run_training_job(str(Job.objects.get(state=Job.State.QUEUED).pk))
        finally:
            connection.close()

    thread = Thread(target=work)
    thread.start()
    yield
    thread.join()


@pytest.fixture
def form(
    page: Page, log_in: Callable[[Role], None], pack: Pack, storage: Path, monkeypatch: pytest.MonkeyPatch
) -> Page:
    monkeypatch.setattr(wakeup, "wake", lambda *_: None)
    log_in(Role.OPERATOR)
    page.goto("/admin/people/person/")
    page.get_by_role("link", name="Import many people").click()
    return page


def give_basis(page: Page) -> None:
    page.get_by_label("Legal basis").select_option("consent")
    page.get_by_label("Since").fill("2026-01-01")


def expect_report(page: Page) -> None:
    expect(page.get_by_role("status")).to_contain_text("Waiting for a worker.")
    with worker():
        expect(page.get_by_text("Photos accepted: 1; people: 1.")).to_be_visible(timeout=60_000)
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    expect(page.get_by_role("row").filter(has_text="room.jpg")).to_contain_text("No face was found")
    expect(page.get_by_role("row").filter(has_text="notes.txt")).to_contain_text("Not usable")
    assert [person.face_id for person in Person.objects.all()] == ["Eileen Collins"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, make in FOLDER.items():
        file = tmp_path / "all" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(make())
    return tmp_path / "all"


def test_what_was_broken_off_goes_on_with_the_same_folder(form: Page, folder: Path) -> None:
    bulk = Import(legal_basis="consent", legal_basis_date="2026-01-01")
    arriving.expect(bulk, [f"all/{name}" for name in FOLDER])
    arriving.receive(bulk.photos.first(), portrait())
    form.goto(reverse("admin:people_import_change", args=[bulk.pk]))
    form.get_by_label("The folder").set_input_files(folder)
    expect_report(form)


def test_a_folder_is_sent_file_by_file_and_reported(form: Page, folder: Path) -> None:
    form.get_by_label("Or the folder itself").set_input_files(folder)
    form.get_by_role("button", name="Import", exact=True).click()
    expect(form.get_by_label("Legal basis")).to_be_focused()
    assert not Job.objects.exists(), "nothing without a legal basis"
    give_basis(form)
    form.get_by_role("button", name="Import", exact=True).click()
    expect_report(form)


def test_a_zip_is_imported_and_reported(form: Page, tmp_path: Path) -> None:
    (tmp_path / "people.zip").write_bytes(zipped({name: make() for name, make in FOLDER.items()}))
    form.get_by_label("A zip of the folders").set_input_files(tmp_path / "people.zip")
    give_basis(form)
    form.get_by_role("button", name="Import", exact=True).click()
    expect_report(form)


def test_a_zip_that_is_too_large_is_not_even_sent(form: Page, tmp_path: Path) -> None:
    with (tmp_path / "people.zip").open("wb") as file:
        file.truncate(60 * 2**20)
    form.get_by_label("A zip of the folders").set_input_files(tmp_path / "people.zip")
    give_basis(form)
    form.get_by_role("button", name="Import", exact=True).click()
    expect(form.get_by_role("alert")).to_contain_text("This zip is larger than 50.0")
