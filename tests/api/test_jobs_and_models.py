"""Jobs to follow, models to look at, and which replica answered."""

from collections.abc import Callable
from ipaddress import ip_address
from uuid import uuid4

import pytest
from rest_framework.test import APIClient

from access.models import ApiKey
from people.training import train
from recognition.models import Job
from tests.fabricated import enrol


def test_a_job_that_never_was_is_a_404(operator: APIClient) -> None:
    assert operator.get(f"/api/v1/jobs/{uuid4()}").status_code == 404


def test_who_only_sends_crops_follows_no_training(with_key: Callable[..., APIClient]) -> None:
    edge = with_key(ApiKey.Scope.EDGE)
    training = Job.objects.create(kind=Job.Kind.TRAIN)
    recognition = Job.objects.create(kind=Job.Kind.RECOGNISE, total=1)
    assert edge.get(f"/api/v1/jobs/{training.pk}").status_code == 404
    assert edge.get(f"/api/v1/jobs/{recognition.pk}").json()["state"] == "queued"


@pytest.mark.usefixtures("storage")
def test_models_are_listed_newest_first_with_the_one_in_service(operator: APIClient) -> None:
    enrol("ada", 1)
    train()
    enrol("grace", 2)
    train()
    newest, older = operator.get("/api/v1/models").json()["results"]
    assert (newest["people_count"], newest["vector_count"], newest["in_service"]) == (2, 4, True)
    assert (older["people_count"], older["in_service"], older["retired_at"]) == (1, False, None)
    assert newest["false_alarm_rate"] == 0.001
    assert operator.get(f"/api/v1/models/{older['id']}").json() == older
    assert operator.get("/api/v1/models?classifier=linear-svm").json()["results"] == []


def test_the_replica_names_itself(operator: APIClient, settings: object) -> None:
    settings.NODE_NAME = "replica-7"
    assert operator.get("/api/v1/debug/node-name").json() == {"node_name": "replica-7"}
    assert ip_address(operator.get("/api/v1/debug/ip").json()["ip"])
