"""Publishing and erasing at the same time: no model with somebody erased is ever in service."""

from functools import partial
from pathlib import Path

import pytest
from django.utils import timezone

from people import erasure
from people.models import Person
from people.training import all_lawful, fit_gallery, train
from recognition import publishing
from recognition.models import ActiveModel, TrainedModel
from tests.fabricated import enrol, run_together

pytestmark = pytest.mark.usefixtures("storage")


def test_a_model_that_knows_somebody_erased_is_not_published(db: None, storage: Path) -> None:
    gone = enrol("gone", 1)
    enrol("kept", 2)
    fitted = fit_gallery()
    erasure.erase(gone)
    before = ActiveModel.objects.get()
    with pytest.raises(publishing.LabelsGoneError):
        publishing.publish(fitted, read_at=timezone.now(), still_there=all_lawful)
    assert ActiveModel.objects.get().generation == before.generation
    assert not TrainedModel.objects.exists()
    assert not (storage / "models").exists()


@pytest.mark.django_db(transaction=True)
def test_whatever_the_order_nobody_erased_is_in_a_live_model() -> None:
    people = [enrol(f"person {seed}", seed, photos=1) for seed in range(6)]
    train()
    run_together(*[partial(erasure.erase, person) for person in people[:3]], *[train] * 3)
    alive = {str(pk) for pk in Person.objects.values_list("pk", flat=True)}
    assert len(alive) == 3
    for trained in TrainedModel.objects.filter(retired_at=None):
        assert set(trained.labels.values_list("label", flat=True)) <= alive
    assert set(ActiveModel.objects.get().model.labels.values_list("label", flat=True)) == alive
