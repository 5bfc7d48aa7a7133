"""Photos and models live in S3-compatible storage as they do in a folder."""

import numpy as np
import pytest
import requests
from django.conf import LazySettings
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.utils import timezone

from facesite import env
from facesite.demo_video import enrolment_photos
from people import enrolment, erasure, training
from people.models import Embedding, Person
from recognition import storage
from recognition.engine.images import inspect
from recognition.loader import ModelLoader
from recognition.models import TrainedModel

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("bucket")]


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
    assert inspect(storage.read(photo.file.name)).format == "JPEG"
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


def test_a_bucket_is_made_unless_it_is_there(bucket: str, settings: LazySettings) -> None:
    call_command("make_bucket")
    settings.STORAGES = settings.STORAGES | {"default": env.storage(bucket.replace("s3://facesite/", "s3://another/"))}
    for _ in range(2):
        call_command("make_bucket")
    storage.write_once("one", b"one")
    assert storage.read("one") == b"one"
