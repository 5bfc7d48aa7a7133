"""A track bears the name of its surest named detection."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from detections.models import Track
from detections.processing import process_batch
from people.training import train
from tests.fabricated import Eyes, direction, enrol, face, later

Submit = Callable[..., object]

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _enrolled(storage: Path) -> None:
    enrol("ada", 1)
    enrol("grace", 2)
    train()


def resembling(seed: int, noise: float) -> np.ndarray:
    vector = direction(seed) + noise * direction(1000 + seed)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def test_a_track_of_unknown_faces_has_no_name(eyes: Eyes, submit: Submit) -> None:
    for seed in (50, 51):
        submit(eyes.picture_of(seed), track="t", captured_at=later(seed))
    process_batch()
    track = Track.objects.get()
    assert (track.person, track.detection_count) == (None, 2)
    assert (track.captured_at, track.ended_at) == (later(50), later(51))


@pytest.mark.parametrize("together", [True, False])
def test_the_surest_name_wins_whatever_comes_first(eyes: Eyes, submit: Submit, together: bool) -> None:
    for vector in (resembling(1, 0.3), resembling(2, 0.1), direction(50)):
        submit(eyes.picture(face(vector)), track="t")
        if not together:
            process_batch()
    process_batch()
    track = Track.objects.get()
    assert track.person.face_id == "grace"
    assert track.probability == max(track.detections.filter(person__isnull=False).values_list("probability", flat=True))
    assert track.detection_count == 3


def test_crops_without_a_track_make_none(eyes: Eyes, submit: Submit) -> None:
    submit(eyes.picture_of(1))
    process_batch()
    assert not Track.objects.exists()
