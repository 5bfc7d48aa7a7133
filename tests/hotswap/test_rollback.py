"""Rolling back moves the pointer to a model published before; retired ones stay out."""

import pytest

from people import erasure
from people.models import Person
from people.training import train
from recognition import publishing
from recognition.loader import loader
from recognition.models import ActiveModel, TrainedModel
from tests.fabricated import enrol

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("storage")]


@pytest.fixture
def models() -> list[TrainedModel]:
    trained = []
    for seed in range(3):
        enrol(f"person {seed}", seed)
        trained.append(train())
    return trained


def test_the_pointer_moves_back_and_the_generation_forward(models: list[TrainedModel]) -> None:
    loader.current()
    pointer = publishing.activate(models[0])
    assert (pointer.model, pointer.generation) == (models[0], 4)
    assert loader.current().model_id == models[0].pk
    assert len(loader.current().classifier.labels) == 1


def test_and_forward_again(models: list[TrainedModel]) -> None:
    publishing.activate(models[0])
    publishing.activate(models[2])
    assert loader.current().model_id == models[2].pk


def test_a_retired_model_cannot_be_put_in_service(models: list[TrainedModel]) -> None:
    publishing.retire_models_with(models[0].labels.values_list("label", flat=True), "a test")
    with pytest.raises(publishing.NotActivableError, match="a test"):
        publishing.activate(models[0])


def test_a_model_that_knows_an_erased_person_cannot_be_put_in_service(models: list[TrainedModel]) -> None:
    erasure.erase(Person.objects.get(face_id="person 0"))
    for trained in models:
        with pytest.raises(publishing.NotActivableError, match="erased"):
            publishing.activate(trained)


def test_training_the_data_of_a_superseded_model_again_brings_it_back(
    models: list[TrainedModel], django_capture_on_commit_callbacks: object
) -> None:
    current = models[2]
    publishing.activate(models[0])
    with django_capture_on_commit_callbacks(execute=True):
        publishing._retire([current], "superseded")
    again = train()
    assert again == current
    assert again.labels.count() == 3
    publishing.activate(again)
    assert loader.current().model_id == current.pk


def test_retiring_the_model_in_service_leaves_none(models: list[TrainedModel]) -> None:
    loader.current()
    publishing.retire_models_with(models[2].labels.values_list("label", flat=True), "a test")
    assert ActiveModel.objects.get().model is None
    assert loader.current().classifier.labels == ()
