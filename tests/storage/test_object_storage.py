"""Photos and models live in S3-compatible storage as they do in a folder."""

from collections.abc import Iterator

import numpy as np
import pytest
import requests
from django.conf import LazySettings
from django.core.files.storage import default_storage
from django.utils import timezone

from facesite import env
from facesite.demo_video import enrolment_photos
from people import enrolment, erasure, training
from people.models import Embedding, Person
from recognition.loader import ModelLoader
from recognition.models import TrainedModel
from tests.servers import private_s3

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    with private_s3() as url:
        yield url


@pytest.fixture(autouse=True)
def _in_the_bucket(bucket: str, settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    settings.STORAGES = settings.STORAGES | {"default": env.storage(bucket)}


@pytest.fixture
def ada() -> Person:
    return Person.objects.create(
        face_id="Ada", legal_basis=Person.LegalBasis.CONSENT, legal_basis_date=timezone.localdate()
    )


def objects(bucket: str) -> str:
    """What the bucket holds, as the S3 API lists it."""
    endpoint = bucket.partition("endpoint_url=")[2].partition("&")[0]
    return requests.get(f"{endpoint}/facesite", timeout=5).text


def test_a_person_is_enrolled_trained_named_and_erased(ada: Person, bucket: str) -> None:
    photo = enrolment.add_photo(ada, enrolment_photos()[0])
    with default_storage.open(photo.file.name) as file:
        assert file.read() == enrolment_photos()[0]
    training.train()
    vector = np.frombuffer(Embedding.objects.get().vector, "<f4")[None]
    assert ModelLoader().current().classifier.identify(vector)[0].label == ada.label
    assert f"site/photos/{ada.pk}/" in objects(bucket)
    assert TrainedModel.objects.get().sha256 in objects(bucket)

    known = TrainedModel.objects.get().sha256
    erasure.erase(ada)

    assert str(ada.pk) not in objects(bucket)
    assert known not in objects(bucket)


def test_a_published_model_is_never_overwritten(ada: Person, bucket: str) -> None:
    enrolment.add_photo(ada, enrolment_photos()[0])
    first = training.train()
    stamp = default_storage.get_modified_time(first.storage_name)
    assert training.train() == first
    assert default_storage.get_modified_time(first.storage_name) == stamp
    assert objects(bucket).count(first.sha256) == 1
