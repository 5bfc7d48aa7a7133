"""What recognition makes of crops: faces with a name, or unknown ones."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest
from django.utils import timezone

from detections.models import Crop, Detection, LastSeen
from detections.processing import process_batch
from facesite.demo_video import portraits
from people import enrolment, erasure
from people.models import Person
from people.training import train
from recognition.engine.images import encode_jpeg
from recognition.engine.pipeline import Pipeline
from tests import photographs
from tests.fabricated import NOON, Eyes, direction, enrol, face, make_person

Submit = Callable[..., object]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("storage")]


@pytest.fixture
def ada() -> Person:
    person = enrol("ada", 1)
    train()
    return person


def test_a_known_face_becomes_a_detection_with_a_name(eyes: Eyes, ada: Person, submit: Submit) -> None:
    submit(eyes.picture_of(1), metadata={"box": [100, 50, 200, 150]}, track="t")
    assert process_batch() == 1
    one = Detection.objects.get()
    assert (one.person, one.camera_id, one.track.key, one.captured_at) == (ada, "gate", "t", NOON)
    assert one.probability > 0.5
    assert one.model.people_count == 1
    assert (one.box, one.frame_box) == ([4.0, 4.0, 28.0, 28.0], [100, 50, 200, 150])


def test_a_stranger_becomes_a_detection_without_a_name(eyes: Eyes, ada: Person, submit: Submit) -> None:
    submit(eyes.picture_of(99))
    process_batch()
    one = Detection.objects.get()
    assert one.person is None
    assert one.probability < 0.5
    assert not LastSeen.objects.exists()


def test_before_the_first_training_everyone_is_unknown(eyes: Eyes, submit: Submit) -> None:
    submit(eyes.picture_of(1))
    process_batch()
    assert (Detection.objects.get().person, Detection.objects.get().model) == (None, None)


def test_a_crop_without_a_face_is_done_without_a_detection(eyes: Eyes, ada: Person, submit: Submit) -> None:
    submit(eyes.picture())
    process_batch()
    assert not Detection.objects.exists()
    assert Crop.objects.get().state == Crop.State.DONE


def test_of_a_cut_crop_the_face_in_the_middle_counts(eyes: Eyes, ada: Person, submit: Submit) -> None:
    neighbour, wanted = face(direction(2), (0, 0, 15, 15)), face(direction(1), (9, 9, 25, 25))
    submit(eyes.picture(neighbour, wanted), metadata={"box": [0, 0, 1, 1]})
    process_batch()
    assert Detection.objects.get().person == ada


def test_of_a_whole_image_every_face_counts(eyes: Eyes, ada: Person, submit: Submit) -> None:
    submit(eyes.picture(face(direction(2), (0, 0, 15, 15)), face(direction(1), (9, 9, 25, 25))))
    process_batch()
    assert list(Detection.objects.order_by("face_index").values_list("face_index", "person__face_id")) == [
        (0, None),
        (1, "ada"),
    ]


def test_cut_and_whole_images_of_one_batch_keep_their_faces(eyes: Eyes, ada: Person, submit: Submit) -> None:
    grace = enrol("grace", 2)
    train()
    cut = submit(eyes.picture_of(1), metadata={"box": [0, 0, 1, 1]}).accepted[0]
    whole = submit(eyes.picture_of(2, 1, 3)).accepted[0]
    assert process_batch() == 2
    assert Detection.objects.get(crop_id=cut).person == ada
    names = Detection.objects.filter(crop_id=whole).order_by("face_index").values_list("person", flat=True)
    assert list(names) == [grace.pk, ada.pk, None]


def test_whose_legal_basis_expired_since_training_is_unknown(eyes: Eyes, ada: Person, submit: Submit) -> None:
    Person.objects.update(legal_basis_expires=timezone.localdate() - timedelta(days=1))
    submit(eyes.picture_of(1))
    process_batch()
    assert Detection.objects.get().person is None


def test_who_is_erased_while_their_crop_is_looked_at_is_unknown(
    eyes: Eyes, ada: Person, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    def erase_meanwhile(_: Pipeline, images: list, **options: object) -> list:
        Person.objects.filter(pk=ada.pk).exists() and erasure.erase(ada)
        return eyes.analyse(images)

    submit(eyes.picture_of(1))
    monkeypatch.setattr(Pipeline, "analyse", erase_meanwhile)
    process_batch()
    assert Detection.objects.get().person is None
    assert not LastSeen.objects.exists()


def test_a_crop_erased_while_it_is_looked_at_has_no_effect(
    eyes: Eyes, ada: Person, submit: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    submit(eyes.picture_of(1), track="t")
    process_batch()

    def erase_meanwhile(_: Pipeline, images: list, **options: object) -> list:
        Person.objects.filter(pk=ada.pk).exists() and erasure.erase(ada)
        return eyes.analyse(images)

    submit(eyes.picture_of(1), track="t")
    monkeypatch.setattr(Pipeline, "analyse", erase_meanwhile)
    process_batch()
    assert not Detection.objects.exists()
    assert not Crop.objects.exists()


def test_with_the_real_engine_a_neighbour_in_an_edge_crop_is_no_second_detection(submit: Submit) -> None:
    person = make_person("astronaut")
    enrolment.add_photo(person, photographs.portrait())
    train()
    submit(_edge_crop(), metadata={"box": [0, 0, 1, 1]})
    submit(photographs.montage())
    assert process_batch() == 2
    cut, whole = (list(Detection.objects.filter(crop_id=crop.pk)) for crop in Crop.objects.order_by("received_at"))
    assert [one.person for one in cut] == [person]
    assert sorted(one.person is not None for one in whole) == [False, True]


def _edge_crop() -> bytes:
    """As an edge node cuts it: one face in the middle, a neighbour's at the border."""
    astronaut, hopper = portraits().values()
    middle = cv2.resize(astronaut[20:200, 130:310], (160, 160))
    neighbour = cv2.resize(hopper[100:340, 160:370], (80, 90))
    picture = np.full((160, 240, 3), 90, np.uint8)
    picture[:, 40:200] = middle
    picture[60:150, 170:240] = neighbour[:, :70]
    return encode_jpeg(picture)


@pytest.mark.corpus
def test_with_the_real_engine_an_enrolled_person_is_named_and_strangers_are_not(corpus: Path, submit: Submit) -> None:
    known = sorted((corpus / "lfw_dev" / "people").iterdir())[:6]
    for folder in known:
        person = make_person(folder.name)
        for path in sorted(folder.iterdir())[:3]:
            enrolment.add_photo(person, path.read_bytes())
    train()
    probes = {submit(sorted(folder.iterdir())[3].read_bytes()).accepted[0]: folder.name for folder in known}
    strangers = sorted((corpus / "lfw_dev" / "strangers").iterdir())[:6]
    unknown = {submit(next(folder.iterdir()).read_bytes()).accepted[0] for folder in strangers}
    while process_batch():
        pass
    named = [one for one in Detection.objects.filter(crop_id__in=probes) if one.person]
    assert len(named) >= 4
    assert all(one.person.face_id == probes[one.crop_id] for one in named)
    assert not Detection.objects.filter(crop_id__in=unknown, person__isnull=False).exists()
