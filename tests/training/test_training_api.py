"""Training asked for through the API: a 202, a job to follow, and the way out when a worker is stuck."""

import pytest
from rest_framework.test import APIClient

from access.roles import Role
from people.tasks import run_training_job
from recognition import jobs
from recognition.models import Job
from tests.fabricated import enrol

pytestmark = pytest.mark.usefixtures("storage")


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("generate-emb", Job.Kind.GENERATE_EMB),
        ("optimized-train", Job.Kind.OPTIMIZED_TRAIN),
        ("train", Job.Kind.TRAIN),
    ],
)
def test_the_answer_is_a_202_that_names_the_job(operator: APIClient, path: str, kind: Job.Kind) -> None:
    answer = operator.post(f"/api/v1/model/{path}")
    assert answer.status_code == 202
    assert answer["Location"] == answer.json()["job_url"]
    job = operator.get(answer["Location"]).json()
    assert (job["id"], job["kind"], job["state"], job["progress"]) == (answer.json()["job"], kind, "queued", 0.0)


def test_the_job_leads_to_the_model_in_service(operator: APIClient) -> None:
    enrol("ada", 1)
    url = operator.post("/api/v1/model/optimized-train")["Location"]
    run_training_job(url.rpartition("/")[2])
    job = operator.get(url).json()
    assert (job["state"], job["progress"]) == ("succeeded", 1.0)
    model = operator.get(f"/api/v1/models/{job['model']}").json()
    assert model["in_service"] is True
    assert model["people_count"] == 1


def test_it_is_recorded_who_asked(operator: APIClient) -> None:
    operator.post("/api/v1/model/train")
    assert Job.objects.get().requested_by.username == "operator"


def test_an_admin_releases_a_stuck_job(as_role: object) -> None:
    job = jobs.request(Job.Kind.TRAIN)
    jobs.claim(job.pk)
    (released,) = as_role(Role.ADMIN).post("/api/v1/debug/unblock-dataset").json()
    assert (released["id"], released["state"]) == (str(job.pk), "queued")
    assert jobs.claim(job.pk)
