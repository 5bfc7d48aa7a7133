"""Only a model that a holder of the private key has signed is ever loaded."""

import base64
import logging
from io import StringIO
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from django.conf import LazySettings
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.test import Client

from access.roles import Role
from people import erasure, training
from people.models import Person
from people.training import train
from recognition import jobs, publishing, signing
from recognition.loader import ModelLoader, ModelUnavailableError, loader
from recognition.models import ActiveModel, Job, TrainedModel
from tests.fabricated import enrol

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("storage")]


@pytest.fixture
def first(storage: Path) -> TrainedModel:
    enrol("ada", 1)
    trained = train()
    assert loader.current().model_id == trained.pk
    return trained


@pytest.fixture
def _verifies_only(first: TrainedModel, settings: LazySettings) -> None:
    """The process has the public key of whoever trained the first model, and no private one."""
    (public,) = signing.known_keys()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    settings.MODEL_SIGNING_KEY, settings.MODEL_VERIFY_KEYS = "", [pem]


def unsigned(trained: TrainedModel) -> str:
    return ""


def no_signature(trained: TrainedModel) -> str:
    return "Zm9vé"


def of_another_model(trained: TrainedModel) -> str:
    return TrainedModel.objects.exclude(pk=trained.pk).first().signature


def of_another_pack(trained: TrainedModel) -> str:
    return signing.sign(trained.sha256, "another@00000000")


@pytest.mark.parametrize("forge", [unsigned, no_signature, of_another_model, of_another_pack])
def test_a_model_without_its_signature_is_not_taken(
    first: TrainedModel, forge: object, caplog: pytest.LogCaptureFixture, make_user: object
) -> None:
    enrol("grace", 2)
    second = train()
    TrainedModel.objects.filter(pk=second.pk).update(signature=forge(second))
    with caplog.at_level(logging.ERROR):
        assert loader.current().model_id == first.pk
    assert "the old model goes on serving: ArtifactError: The model is not signed" in caplog.text
    browser = Client()
    browser.force_login(make_user(Role.OPERATOR))
    for page in ("recognition/trainedmodel", "people/person"):
        assert "cannot be loaded by" in browser.get(f"/admin/{page}/").text


def test_a_model_of_an_unknown_key_is_not_taken(first: TrainedModel, settings: LazySettings) -> None:
    ours = settings.MODEL_SIGNING_KEY
    settings.MODEL_SIGNING_KEY, _ = signing.make_pair()
    enrol("grace", 2)
    train()
    settings.MODEL_SIGNING_KEY = ours
    assert loader.current().model_id == first.pk
    with pytest.raises(ModelUnavailableError):
        ModelLoader().current()


def test_while_keys_change_both_are_known(first: TrainedModel, settings: LazySettings) -> None:
    new, public = signing.make_pair()
    old = signing.known_keys()[0].public_bytes_raw()
    settings.MODEL_SIGNING_KEY = new
    enrol("grace", 2)
    second = train()
    settings.MODEL_SIGNING_KEY, settings.MODEL_VERIFY_KEYS = "", [b64(old), public]
    assert ModelLoader().current().model_id == second.pk
    publishing.activate(first)
    assert ModelLoader().current().model_id == first.pk
    settings.MODEL_VERIFY_KEYS = [public]
    with pytest.raises(ModelUnavailableError):
        ModelLoader().current()


@pytest.mark.usefixtures("_verifies_only")
def test_without_the_private_key_models_are_loaded_but_none_is_published(first: TrainedModel) -> None:
    assert ModelLoader().current().model_id == first.pk
    enrol("grace", 2)
    job = jobs.request(Job.Kind.OPTIMIZED_TRAIN)
    jobs.run(job.pk, training.perform)
    job.refresh_from_db()
    assert job.state == Job.State.FAILED
    assert "MODEL_SIGNING_KEY is not set here" in job.message
    assert ActiveModel.objects.get().model == first


@pytest.mark.django_db(transaction=True)
def test_erasing_without_the_private_key_leaves_the_others_named_until_a_training(
    first: TrainedModel, settings: LazySettings, storage: Path
) -> None:
    grace, _ = enrol("grace", 2), enrol("third", 3)
    both = train()
    private, public = settings.MODEL_SIGNING_KEY, b64(signing.known_keys()[0].public_bytes_raw())
    settings.MODEL_SIGNING_KEY, settings.MODEL_VERIFY_KEYS = "", [public]

    assert erasure.erase(Person.objects.get(face_id="ada"))["models"] == 2
    assert ActiveModel.objects.get().model == both
    assert grace.label in ModelLoader().current().classifier.labels
    assert not (storage / first.storage_name).exists()
    both.refresh_from_db()
    with pytest.raises(publishing.NotActivableError, match="being retired"):
        publishing.activate(both)

    settings.MODEL_SIGNING_KEY = private
    jobs.run(Job.objects.get(state=Job.State.QUEUED).pk, training.perform)
    assert len(ModelLoader().current().classifier.labels) == 2
    both.refresh_from_db()
    assert (both.retired_because, both.labels.count()) == (publishing.ERASED, 0)
    assert not (storage / both.storage_name).exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_verifies_only")
def test_a_model_that_knows_somebody_erased_goes_even_if_nobody_trains(
    first: TrainedModel, storage: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, "LONGEST_LEAVE", -publishing.LONGEST_LEAVE)
    erasure.erase(Person.objects.get(face_id="ada"))
    assert ActiveModel.objects.get().model == first
    assert publishing.retire_overdue() == 1
    assert ActiveModel.objects.get().model is None
    assert not (storage / first.storage_name).exists()
    assert publishing.retire_overdue() == 0


def test_models_from_before_signatures_are_signed_on_demand(first: TrainedModel, storage: Path) -> None:
    enrol("grace", 2)
    damaged = train()
    publishing.activate(first)
    TrainedModel.objects.update(signature="")
    (storage / damaged.storage_name).write_bytes(b"something else")
    out = StringIO()
    call_command("models", "sign", stdout=out)
    assert out.getvalue().strip() == "Signed 1 models. 1 are damaged or missing."
    assert ModelLoader().current().model_id == first.pk
    assert publishing.sign_unsigned() == (0, 1)


@pytest.mark.usefixtures("_verifies_only")
def test_signing_needs_the_private_key(first: TrainedModel) -> None:
    TrainedModel.objects.update(signature="")
    with pytest.raises(CommandError, match="MODEL_SIGNING_KEY is not set here"):
        call_command("models", "sign")
    (warning,) = [found for found in run_checks(databases=["default"]) if found.id == "recognition.W003"]
    assert "models sign" in warning.hint


def test_a_new_pair_of_keys_is_printed_as_the_settings_take_them(first: TrainedModel, settings: LazySettings) -> None:
    out = StringIO()
    call_command("models", "new-key", stdout=out)
    values = dict(line.split("=", 1) for line in out.getvalue().splitlines() if "=" in line)
    settings.MODEL_SIGNING_KEY = values["MODEL_SIGNING_KEY"]
    signature = signing.sign("0" * 64, "pack")
    settings.MODEL_SIGNING_KEY, settings.MODEL_VERIFY_KEYS = "", [values["MODEL_VERIFY_KEYS"]]
    assert signing.is_signed("0" * 64, "pack", signature)
    assert not signing.is_signed("1" * 64, "pack", signature)


def test_a_key_may_be_pem_or_a_file(settings: LazySettings, tmp_path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "key.pem").write_bytes(pem)
    found = []
    for text in (pem.decode(), f"file://{tmp_path}/key.pem", b64(key.private_bytes_raw())):
        settings.MODEL_SIGNING_KEY = text
        found += [public.public_bytes_raw() for public in signing.known_keys()]
    assert found == [key.public_key().public_bytes_raw()] * 3


@pytest.mark.parametrize("text", ["short", "file:///nowhere", "-----BEGIN PRIVATE KEY-----", "AAAA", "é"])
def test_what_is_no_key_is_named_without_being_shown(settings: LazySettings, text: str) -> None:
    settings.MODEL_SIGNING_KEY = text
    with pytest.raises(ImproperlyConfigured, match="MODEL_SIGNING_KEY is no Ed25519 key") as caught:
        signing.known_keys()
    assert text not in str(caught.value).replace("file:///path", "")
    assert "recognition.E003" in {found.id for found in run_checks()}


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
