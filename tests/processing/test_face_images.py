"""Pictures of faces: small ones of named people, of unknown ones only if the operator keeps those."""

from collections.abc import Callable
from pathlib import Path

import pytest

from detections.models import Detection, FaceImage
from detections.processing import process_batch
from detections.recording import FACE_IMAGE_PX
from people.training import train
from recognition.engine.images import inspect
from tests import photographs
from tests.fabricated import Eyes, direction, enrol, face

Submit = Callable[..., object]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("storage")]


@pytest.mark.parametrize(("keep", "expected"), [(False, {"ada"}), (True, {"ada", None})])
def test_unknown_faces_keep_an_image_only_if_that_is_switched_on(
    eyes: Eyes, submit: Submit, settings: object, keep: bool, expected: set
) -> None:
    settings.KEEP_UNKNOWN_FACES = keep
    enrol("ada", 1)
    train()
    submit(eyes.picture_of(1))
    submit(eyes.picture_of(99))
    process_batch()
    assert Detection.objects.count() == 2
    assert set(FaceImage.objects.values_list("detection__person__face_id", flat=True)) == expected


def test_the_image_is_a_small_jpeg_of_the_face(submit: Submit, settings: object) -> None:
    settings.KEEP_UNKNOWN_FACES = True
    submit(photographs.portrait())
    process_batch()
    jpeg = bytes(FaceImage.objects.get().jpeg)
    info = inspect(jpeg)
    assert info.format == "JPEG"
    assert max(info.width, info.height) == FACE_IMAGE_PX
    assert len(jpeg) < 10_000


@pytest.mark.parametrize("box", [(-20, -20, 10, 10), (25, 25, 60, 60), (40, 40, 50, 50), (-30, -30, -5, -5)])
def test_a_box_beyond_the_border_still_gives_an_image(
    eyes: Eyes, submit: Submit, settings: object, box: tuple, storage: Path
) -> None:
    settings.KEEP_UNKNOWN_FACES = True
    submit(eyes.picture(face(direction(1), box)))
    process_batch()
    assert Detection.objects.count() == FaceImage.objects.count() == 1
