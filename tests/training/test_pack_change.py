"""Another pack takes over in one step, once all photos have its vectors; until then, and after a roll-back, the former
one serves.
"""

import json
import shutil
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.checks import run_checks
from django.core.checks.messages import CheckMessage
from django.core.management import call_command
from django.utils import timezone

from people import embedding, enrolment, erasure, training
from people.models import Embedding, Person, Photo
from recognition import jobs, publishing
from recognition import loader as loading
from recognition.engine.errors import PackError
from recognition.engine.images import decode
from recognition.engine.packs import MANIFEST, pack_id_in
from recognition.loader import loader
from recognition.models import Job, TrainedModel
from tests.fabricated import make_person
from tests.photographs import portrait, second_portrait

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("storage", "fresh_loader")]


@pytest.fixture(autouse=True)
def packs(settings: LazySettings, tmp_path: Path, pack_folder: Path) -> Path:
    """A folder with the default pack, in use, and `other`, which aligns faces another way."""
    settings.PACKS_DIR, settings.PACK = tmp_path / "packs", "dlib-resnet"
    for name in ("dlib-resnet", "other"):
        shutil.copytree(pack_folder, settings.PACKS_DIR / name, copy_function=link)
    align_otherwise(settings.PACKS_DIR / "other")
    return settings.PACKS_DIR


def link(source: str, target: str) -> None:
    shutil.copy(source, target) if source.endswith(MANIFEST) else Path(target).symlink_to(source)


def align_otherwise(folder: Path, by: float = 3.0) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["id"] = folder.name
    manifest["embedder"]["template"] = [[x + by, y] for x, y in manifest["embedder"]["template"]]
    (folder / MANIFEST).write_text(json.dumps(manifest))


@pytest.fixture
def former(packs: Path) -> str:
    return pack_id_in(packs / "dlib-resnet")


@pytest.fixture
def new(packs: Path) -> str:
    return pack_id_in(packs / "other")


@pytest.fixture
def ada() -> Person:
    """Enrolled and trained with the former pack."""
    person = make_person("ada")
    for data in (portrait(), second_portrait()):
        enrolment.add_photo(person, data)
    training.train()
    return person


@pytest.fixture
def change(settings: LazySettings) -> Callable[[], None]:
    def change_setting() -> None:
        settings.PACK = "other"

    return change_setting


def run(kind: Job.Kind = Job.Kind.OPTIMIZED_TRAIN) -> Job:
    job = jobs.request(kind)
    jobs.run(job.pk, training.perform)
    job.refresh_from_db()
    return job


def seen(data: bytes) -> tuple[str, str | None]:
    """The pack that looked, and whom it named."""
    serving = loader.current()
    ((face,),) = serving.pipeline.analyse([decode(data)])
    (identity,) = serving.classifier.identify(face.vector[None])
    return serving.pipeline.pack_id, identity.label


def vectors_of(pack_id: str) -> int:
    return Embedding.objects.filter(pack_id=pack_id).count()


def test_the_former_pack_serves_until_training_and_then_the_new_one(
    ada: Person, change: Callable, former: str, new: str
) -> None:
    assert seen(portrait()) == (former, ada.label)
    change()
    loader.__init__()
    assert seen(portrait()) == (former, ada.label)
    job = run()
    assert (job.state, job.model.pack_id, job.model.vector_count) == (Job.State.SUCCEEDED, new, 2)
    assert seen(portrait()) == (new, ada.label)


def test_training_from_stored_vectors_embeds_only_what_has_none(ada: Person, change: Callable, new: str) -> None:
    change()
    messages = []
    real = jobs.advance
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs, "advance", lambda job, text, *steps: (messages.append(text), real(job, text, *steps)))
        run()
        assert "Embedded 2 of 2 photos, 0 of them unusable now." in messages
        messages.clear()
        run()
        assert not [text for text in messages if text.startswith("Embedded")]


def test_a_photo_enrolled_meanwhile_is_not_lost(
    ada: Person, change: Callable, monkeypatch: pytest.MonkeyPatch, settings: LazySettings
) -> None:
    """By a process that has not been told of the new pack yet."""
    change()
    real = embedding._embed
    grace = make_person("grace")

    def enrol_meanwhile(*arguments: object) -> object:
        monkeypatch.setattr(embedding, "_embed", real)
        settings.PACK = "dlib-resnet"
        assert enrolment.add_photo(grace, portrait("grace_hopper")).is_accepted
        settings.PACK = "other"
        return real(*arguments)

    monkeypatch.setattr(embedding, "_embed", enrol_meanwhile)
    assert run().model.people_count == 2
    assert seen(portrait("grace_hopper"))[1] == grace.label


def test_somebody_erased_meanwhile_is_in_neither_model_and_the_others_stay_known(
    ada: Person, change: Callable, monkeypatch: pytest.MonkeyPatch, former: str, new: str
) -> None:
    gone = make_person("gone")
    enrolment.add_photo(gone, portrait("grace_hopper"))
    training.train()
    change()
    real = embedding._embed_one

    def erase_first(photo: Photo, engine: object) -> bool:
        if photo.person_id != gone.pk:
            return real(photo, engine)
        erasure.erase(gone)
        assert seen(portrait()) == (former, ada.label)
        assert seen(portrait("grace_hopper")) == (former, None)
        return real(photo, engine)

    monkeypatch.setattr(embedding, "_embed_one", erase_first)
    run()
    assert seen(portrait()) == (new, ada.label)
    assert seen(portrait("grace_hopper")) == (new, None)
    assert not TrainedModel.objects.filter(retired_at=None, labels__label=gone.label).exists()


def test_after_a_crash_the_next_attempt_goes_on_where_it_stopped(
    ada: Person, change: Callable, monkeypatch: pytest.MonkeyPatch, former: str, new: str
) -> None:
    change()
    real = embedding._embed_one
    done = []

    def crash_at_the_second(photo: Photo, engine: object) -> bool:
        if done:
            raise MemoryError
        done.append(photo.pk)
        return real(photo, engine)

    monkeypatch.setattr(embedding, "_embed_one", crash_at_the_second)
    job = run()
    assert job.state == Job.State.RUNNING
    assert seen(portrait())[0] == former
    monkeypatch.setattr(embedding, "_embed_one", lambda photo, engine: (done.append(photo.pk), real(photo, engine))[1])
    Job.objects.update(lease_expires_at=timezone.now())
    jobs.run(job.pk, training.perform)
    job.refresh_from_db()
    assert job.state == Job.State.SUCCEEDED
    assert seen(portrait())[0] == new
    assert len(done) == len(set(done)) == 2


def test_a_photo_that_the_new_pack_cannot_use_does_not_hold_up_the_others(
    ada: Person, change: Callable, storage: Path, new: str
) -> None:
    change()
    (storage / ada.photos.first().file.name).unlink()
    job = run()
    assert (job.state, job.model.vector_count) == (Job.State.SUCCEEDED, 1)


def test_rolling_back_brings_the_former_pack_back(ada: Person, change: Callable, former: str, new: str) -> None:
    change()
    run()
    assert seen(portrait()) == (new, ada.label)
    publishing.activate(TrainedModel.objects.get(pack_id=former))
    assert seen(portrait()) == (former, ada.label)
    publishing.activate(TrainedModel.objects.get(pack_id=new))
    assert seen(portrait()) == (new, ada.label)


def test_a_model_whose_pack_is_gone_cannot_be_put_in_service(
    ada: Person, change: Callable, packs: Path, former: str, new: str
) -> None:
    change()
    run()
    shutil.rmtree(packs / "dlib-resnet")
    with pytest.raises(publishing.NotActivableError, match="packs build dlib-resnet"):
        publishing.activate(TrainedModel.objects.get(pack_id=former))
    assert seen(portrait()) == (new, ada.label)


def test_vectors_and_replaced_packs_go_with_the_last_model_that_needs_them(
    ada: Person, packs: Path, former: str
) -> None:
    rebuild(packs / "dlib-resnet", former)
    run()
    assert vectors_of(former) == 2
    assert (packs / former).is_dir()
    publishing._retire(TrainedModel.objects.filter(pack_id=former), "a test")
    run()
    assert vectors_of(former) == 0
    assert not (packs / former).exists()
    assert vectors_of(pack_id_in(packs / "dlib-resnet")) == 2


def rebuild(folder: Path, replaced: str) -> None:
    """As building leaves it: the new pack under the name, the former under its full id."""
    shutil.copytree(folder, folder.with_name(replaced), copy_function=link)
    align_otherwise(folder, by=-2.0)


def test_a_pack_rebuilt_under_the_same_name_is_noticed_without_a_restart(ada: Person, packs: Path, former: str) -> None:
    assert seen(portrait()) == (former, ada.label)
    rebuild(packs / "dlib-resnet", former)
    rebuilt = pack_id_in(packs / "dlib-resnet")
    loader.__init__()
    assert seen(portrait()) == (former, ada.label)
    assert loading.pipeline().pack_id == rebuilt != former
    run()
    assert seen(portrait()) == (rebuilt, ada.label)


def test_set_up_asks_for_the_training(ada: Person, change: Callable, new: str) -> None:
    call_command("setup", stdout=StringIO())
    assert not Job.objects.exists()
    change()
    out = StringIO()
    call_command("setup", stdout=out)
    assert "The pack has changed" in out.getvalue()
    jobs.run(Job.objects.get(kind=Job.Kind.OPTIMIZED_TRAIN).pk, training.perform)
    assert seen(portrait()) == (new, ada.label)


def test_before_the_first_training_the_pack_of_the_settings_serves(change: Callable, new: str) -> None:
    change()
    assert seen(portrait()) == (new, None)


def test_without_any_pack_nothing_serves_and_the_error_says_what_to_build(packs: Path) -> None:
    shutil.rmtree(packs)
    with pytest.raises(PackError, match="packs build dlib-resnet"):
        loader.current()


def test_a_model_serves_on_without_the_pack_of_the_settings(ada: Person, settings: LazySettings, former: str) -> None:
    settings.PACK = "not-built"
    loader.__init__()
    assert seen(portrait()) == (former, ada.label)
    assert warnings() == ["recognition.W001"]


def test_checks_miss_the_pack_of_the_model_in_service(ada: Person, change: Callable, packs: Path) -> None:
    assert warnings() == []
    change()
    shutil.rmtree(packs / "dlib-resnet")
    assert warnings() == ["recognition.W002"]


def warnings() -> list[str]:
    found: list[CheckMessage] = run_checks(databases=["default"])
    return [message.id for message in found if message.id.startswith("recognition.")]
