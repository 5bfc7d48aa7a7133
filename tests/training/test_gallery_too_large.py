"""People whom the classifier in the settings cannot take: the job says so, and nothing that works is lost."""

import pytest

from people import erasure, tasks
from people.models import Person
from people.training import train
from recognition import jobs
from recognition.engine import fitting
from recognition.loader import loader
from recognition.models import Job, TrainedModel
from tests.fabricated import enrol

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("storage")]


@pytest.fixture
def served(settings: object, monkeypatch: pytest.MonkeyPatch) -> TrainedModel:
    """A gallery in service whose people are too many for the linear SVM that the settings ask for next."""
    for seed in range(12):
        enrol(f"person {seed}", seed)
    trained = train()
    settings.CLASSIFIER = "linear-svm"
    monkeypatch.setattr(fitting, "_SVM_COMPARISONS", 200)
    return trained


def test_the_job_fails_with_what_to_do_and_the_old_model_goes_on_serving(served: TrainedModel) -> None:
    job = jobs.request(Job.Kind.OPTIMIZED_TRAIN)
    tasks.run_training_job(str(job.pk))
    job.refresh_from_db()
    assert job.state == Job.State.FAILED
    assert "12 people with 24 photos" in job.message
    assert "CLASSIFIER" in job.message
    assert loader.current().model_id == served.pk


def test_somebody_can_be_erased_all_the_same(served: TrainedModel) -> None:
    person = Person.objects.get(face_id="person 3")
    erasure.erase(person)
    assert not Person.objects.filter(face_id="person 3").exists()
    assert person.label not in loader.current().classifier.labels
    assert Job.objects.get().kind == Job.Kind.OPTIMIZED_TRAIN
