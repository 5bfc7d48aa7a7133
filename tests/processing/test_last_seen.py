"""Where somebody was last seen goes by capture time, in whatever order the crops arrive."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from detections.models import Crop, Detection, LastSeen, Track
from detections.processing import process_batch
from people.models import Person
from people.training import train
from tests.fabricated import Eyes, enrol, later

Submit = Callable[..., object]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("storage")]


@pytest.fixture
def ada() -> Person:
    person = enrol("ada", 1)
    train()
    return person


def test_a_crop_that_arrives_late_does_not_move_it_back(eyes: Eyes, ada: Person, submit: Submit) -> None:
    submit(eyes.picture_of(1), camera="gate", captured_at=later(60))
    process_batch()
    submit(eyes.picture_of(1), camera="yard", captured_at=later(0))
    process_batch()
    seen = LastSeen.objects.get()
    assert (seen.person, seen.camera_id, seen.captured_at) == (ada, "gate", later(60))
    assert Detection.objects.count() == 2


def test_a_newer_one_moves_it_with_all_its_figures(eyes: Eyes, ada: Person, submit: Submit) -> None:
    submit(eyes.picture_of(1), camera="gate")
    process_batch()
    newer = submit(eyes.picture_of(1), camera="yard", captured_at=later(1)).accepted[0]
    process_batch()
    seen = LastSeen.objects.get()
    one = Detection.objects.get(crop_id=newer)
    assert (seen.camera_id, seen.detection, seen.probability) == ("yard", one, one.probability)


def test_who_is_named_late_was_there_as_long_as_the_track_went_on(eyes: Eyes, ada: Person, submit: Submit) -> None:
    submit(eyes.picture_of(1), camera="gate", track="t")
    submit(eyes.picture_of(1), camera="yard", captured_at=later(30))
    Track.objects.update(ended_at=later(60))  # its node went on telling of it
    process_batch()
    seen = LastSeen.objects.get()
    assert (seen.camera_id, seen.captured_at) == ("gate", later(60))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    order=st.permutations(range(6)),
    batch=st.integers(1, 6),
    cameras=st.lists(st.sampled_from(["gate", "yard", "roof"]), min_size=6, max_size=6),
)
def test_every_order_of_arrival_ends_the_same(
    eyes: Eyes, ada: Person, submit: Submit, order: list[int], batch: int, cameras: list[str]
) -> None:
    for model in (LastSeen, Detection, Crop, Track):
        model.objects.all().delete()
    for moment in order:
        submit(eyes.picture_of(1), camera=cameras[moment], captured_at=later(moment), track="t")
        if moment % 2:
            process_batch(batch)
    while process_batch(batch):
        pass
    seen = LastSeen.objects.get()
    assert (seen.captured_at, seen.camera_id) == (later(5), cameras[5])
    for track in Track.objects.all():
        mine = [moment for moment, camera in enumerate(cameras) if camera == track.camera_id]
        assert (track.captured_at, track.ended_at) == (later(mine[0]), later(mine[-1]))
        assert (track.detection_count, track.person) == (len(mine), ada)
