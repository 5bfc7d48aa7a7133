"""A backup of one installation is restored on another with another database and storage, by the commands themselves."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from django.db.models import Model
from pytest_django.plugin import DjangoDbBlocker

from detections.models import Camera, Crop
from people.models import Embedding, Person, Photo
from recognition.models import ActiveModel, Heartbeat, TrainedModel
from tests.conftest import required
from tests.faults.load import Load
from tests.faults.site import Site
from tests.servers import ObjectStorage, Postgres, postgres_bin, running, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.services, pytest.mark.timeout(300)]

COMPARED = (Camera, Person, Photo, Embedding, TrainedModel)


@pytest.fixture
def elsewhere(tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> Iterator[Site]:
    """PostgreSQL and S3, with nothing in them."""
    required(postgres_bin() is not None, "PostgreSQL")
    with ExitStack() as stack:
        stack.enter_context(django_db_blocker.unblock())
        servers = [stack.enter_context(running(kind)) for kind in (Postgres, ObjectStorage)]
        folder = tmp_path / "elsewhere"
        folder.mkdir()
        yield Site(folder, servers)


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Site]:
    """SQLite and a folder, with a person enrolled and crops taken."""
    folder = tmp_path / "here"
    folder.mkdir()
    site = Site(folder)
    with site.running():
        yield site


def rows(site: Site, model: type[Model]) -> list[tuple]:
    found = site.rows(model).order_by("pk").values_list()
    return [tuple(bytes(value) if isinstance(value, memoryview) else value for value in row) for row in found]


def test_from_sqlite_and_a_folder_to_postgresql_and_s3_and_back(elsewhere: Site, here: Site, tmp_path: Path) -> None:
    load = Load(here.url, here.key)
    with load.running():
        load.wait_for(10)
    wait_until(lambda: not here.rows(Crop).filter(state=Crop.State.PENDING).exists(), "an empty queue", 60)
    # Made while everything runs.
    here.manage("backup", str(tmp_path / "one.tar.gz"))
    # The key that signed the models is not in it.
    elsewhere.signing = {"MODEL_SIGNING_KEY": (here.folder / "model-signing-key").read_text()}
    elsewhere.environment["MODEL_VERIFY_KEYS"] = ""
    elsewhere.environment["BROKER_URL"] = "filesystem://"
    elsewhere.manage("restore", str(tmp_path / "one.tar.gz"))
    elsewhere.know_database()
    for model in COMPARED:
        assert rows(elsewhere, model) == rows(here, model) != [], model
    assert elsewhere.files == here.files
    elsewhere.run_task("recognition.loader", "loader.current")
    assert "1 people" in (elsewhere.folder / "task.log").read_text()

    erased = here.rows(Person).get()
    elsewhere.manage("shell", "-c", "from people import erasure; erasure.erase(erasure.Person.objects.get())")
    for program in here.programs:
        program.stop()
    elsewhere.manage("backup", str(tmp_path / "two.tar.gz"))
    # The older of the two, with the newer one's knowledge of the erasure.
    generation = here.rows(ActiveModel).get().generation
    here.rows(Heartbeat).delete()  # some end without telling
    here.manage("restore", str(tmp_path / "one.tar.gz"), "--newer", str(tmp_path / "two.tar.gz"), "--replace")
    assert rows(here, Person) == []
    assert not any(str(erased.pk) in name for name in here.files)
    assert here.rows(ActiveModel).get().generation > generation
