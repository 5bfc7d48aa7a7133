"""What the autoscaler asks the database is how long crops have been due, and how much there is to train and import."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing

import psycopg2
import pytest

from tests.deploy.cluster import named
from tests.deploy.tools import REPOSITORY

pytestmark = [pytest.mark.slow, pytest.mark.services]

FILL = """
import uuid
from datetime import timedelta
import django; django.setup()
from django.core.management import call_command
from django.utils import timezone
from detections.models import Camera, Crop, Location
from recognition.models import Job

call_command("migrate", verbosity=0)
job = Job.objects.create(kind=Job.Kind.RECOGNISE)
camera = Camera.objects.create(id="gate", location=Location.objects.create(name="Gate"))
now = timezone.now()
# Due for a minute and for less; taken by a worker; over.
for state, seconds in [("pending", -60), ("pending", -5), ("pending", 20), ("done", -600), ("dead", -600)]:
    Crop.objects.create(
        id=uuid.uuid4(), job=job, camera=camera, captured_at=now, state=state, due_at=now + timedelta(seconds=seconds)
    )
for kind in (Job.Kind.TRAIN, Job.Kind.IMPORT_PHOTOS):
    for state in ("queued", "running", "succeeded", "failed"):
        Job.objects.create(kind=kind, state=state)
"""


@pytest.fixture(scope="module")
def filled(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[psycopg2.extensions.connection]:
    environment = os.environ | {
        "DATABASE_URL": postgres,
        "DATA_DIR": str(tmp_path_factory.mktemp("data")),
        "DJANGO_SETTINGS_MODULE": "facesite.settings",
    }
    subprocess.run([sys.executable, "-c", FILL], env=environment, check=True, cwd=REPOSITORY)
    with closing(psycopg2.connect(postgres)) as connection:
        connection.autocommit = True
        yield connection


def asked(connection: psycopg2.extensions.connection, scaled: str) -> float:
    (trigger,) = named("production", "ScaledObject", scaled)["spec"]["triggers"]
    with connection.cursor() as cursor:
        cursor.execute(trigger["metadata"]["query"])
        (row,) = cursor.fetchall()
    (value,) = row
    return float(value)


def test_workers_follow_the_crop_that_has_waited_longest(filled: psycopg2.extensions.connection) -> None:
    assert 60 <= asked(filled, "worker-recognition") < 600


def test_training_follows_the_trainings_and_imports_that_wait_or_run(filled: psycopg2.extensions.connection) -> None:
    assert asked(filled, "worker-training") == 4


def test_an_empty_queue_is_no_age(filled: psycopg2.extensions.connection) -> None:
    with filled.cursor() as cursor:
        cursor.execute("DELETE FROM detections_crop; DELETE FROM recognition_job")
    assert asked(filled, "worker-recognition") == 0
    assert asked(filled, "worker-training") == 0
