"""People are erased while crops of theirs come in and are recognised: nothing fails, and nothing of them stays."""

import threading
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest

from detections.models import Crop, Detection, LastSeen, Track
from detections.processing import process_batch
from detections.tasks import sweep
from people import erasure
from people.models import Person
from people.training import train
from recognition.models import ActiveModel, Job
from tests.fabricated import Eyes, enrol, make_camera, run_together

PEOPLE = 6


@pytest.mark.django_db(transaction=True)
def test_sending_recognising_and_erasing_at_once(eyes: Eyes, submit: Callable[..., object], storage: Path) -> None:
    people = [enrol(f"person {seed}", seed, photos=1) for seed in range(PEOPLE)]
    train()
    make_camera()
    pictures = [eyes.picture_of(seed) for seed in range(PEOPLE)]
    sent = threading.Event()

    def send() -> None:
        for round_ in range(5):
            for seed, picture in enumerate(pictures):
                submit(picture, track=f"{seed} {round_ % 2}")
        sent.set()

    def recognise() -> None:
        while process_batch(4) or not sent.is_set():
            pass

    def erase() -> None:
        for person in people[::2]:
            erasure.erase(person)

    run_together(send, recognise, recognise, erase)
    recognise()
    sweep()
    _check_only({person.pk for person in people[1::2]})


def _check_only(kept: set[UUID]) -> None:
    """Nobody else is in any table or model, and everything sent was done."""
    assert set(Person.objects.values_list("pk", flat=True)) == kept
    assert set(LastSeen.objects.values_list("person", flat=True)) == kept
    for model in (Detection, Track):
        assert set(model.objects.exclude(person=None).values_list("person", flat=True)) == kept
    assert not Crop.objects.exclude(state=Crop.State.DONE).exists()
    assert not Job.objects.filter(kind=Job.Kind.RECOGNISE, finished_at=None).exists()
    assert set(ActiveModel.objects.get().model.labels.values_list("label", flat=True)) == {str(pk) for pk in kept}
