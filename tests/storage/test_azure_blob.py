"""Azure Blob Storage holds photos and models as a folder does: spoken with Azurite, Microsoft's emulator of it."""

import shutil
from collections.abc import Iterator

import pytest
from django.conf import LazySettings
from django.utils import timezone

from facesite import env
from facesite.demo_video import enrolment_photos
from people import enrolment, erasure, training
from people.models import Person
from recognition import storage
from recognition.loader import ModelLoader
from tests.conftest import required
from tests.servers import BlobStorage, running

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.slow,
    pytest.mark.services,
]


@pytest.fixture(scope="module")
def server() -> Iterator[BlobStorage]:
    required(shutil.which("azurite-blob") is not None, "Azurite (npm install --global azurite)")
    with running(BlobStorage) as server:
        yield server


@pytest.fixture(autouse=True)
def container(server: BlobStorage, settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The site has its storage there."""
    monkeypatch.setenv("AZURE_STORAGE_KEY", server.key)
    settings.STORAGES = settings.STORAGES | {"default": env.storage(server.url)}


def test_a_person_is_enrolled_trained_and_erased() -> None:
    ada = Person.objects.create(
        face_id="Ada", legal_basis=Person.LegalBasis.CONSENT, legal_basis_date=timezone.localdate()
    )
    enrolment.add_photo(ada, enrolment_photos()[0])
    training.train()
    assert ModelLoader().current().classifier.labels == (ada.label,)
    assert storage.listing("photos") == ([str(ada.pk)], [])
    (known,) = storage.listing("models")[1]

    erasure.erase(ada)

    assert storage.listing("photos") == ([], [])
    assert known not in storage.listing("models")[1]


def test_objects_are_written_once_and_known_by_size_and_time() -> None:
    started = timezone.now()
    storage.write_once("a/b/one", b"first")
    with pytest.raises(storage.StorageUnavailableError, match="FileExistsError"):
        storage.write_once("a/b/one", b"second")
    assert storage.read("a/b/one", size=5) == b"first"
    assert abs(storage.changed_at("a/b/one") - started).total_seconds() < 60
    assert storage.listing("a") == (["b"], [])
    assert storage.listing("a/b") == ([], ["one"])
    storage.delete("a/b/one")
    storage.delete("a/b/one")
    assert storage.listing("a") == ([], [])


def test_what_is_not_there_is_a_missing_file() -> None:
    with pytest.raises(FileNotFoundError):
        storage.read("nothing")
    with pytest.raises(FileNotFoundError):
        storage.read("nothing", size=1)
    with pytest.raises(FileNotFoundError):
        storage.changed_at("nothing")
