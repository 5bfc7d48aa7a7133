"""How the installation is: what needs attention comes first, what was given up can be tried again, and a part that does
not answer does not keep the page from coming up.
"""

import re
import threading
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from uuid import uuid4

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone

from access.models import ApiKey, AuditEntry
from access.roles import Role
from detections import vitals
from detections.models import Camera, Crop, Delivery, EdgeNode, ExternalServer
from recognition import heartbeats, storage, wakeup
from recognition.models import Heartbeat, Job, TrainedModel
from tests.fabricated import make_camera, make_node, make_person
from tests.web.sightings import detect, put_in_service, text

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def room_on_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vitals, "_disk", lambda: vitals.Disk(free=500 * 2**30, total=1000 * 2**30))


@pytest.fixture
def all_well() -> None:
    heartbeats.beat("box:1", Heartbeat.Kind.WEB)
    heartbeats.beat("box:2", Heartbeat.Kind.WORKER, queues="recognition training maintenance", generation=3)
    heartbeats.ran("sweep")


@pytest.fixture
def woken(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    tasks: list[str] = []
    monkeypatch.setattr(wakeup, "wake", lambda *message: tasks.append(message[0]))
    return tasks


def problems(client: Client) -> list[str]:
    return re.findall(r"<strong>([^<]+)</strong><p>", text(client.get("/health/")))


def crop(state: Crop.State, ago: timedelta = timedelta(0)) -> Crop:
    job = Job.objects.create(kind=Job.Kind.RECOGNISE, total=1, done=1, failed=1)
    at = timezone.now() - ago
    values = {"state": state, "received_at": at, "due_at": at, "captured_at": at, "error": "It is no image."}
    return Crop.objects.create(id=uuid4(), job=job, camera=make_camera(), sha256="", image=b"x", **values)


def dead_delivery() -> Delivery:
    server = ExternalServer.objects.create(name="door", url="https://door.example/", secret="whsec_b2xk")
    return Delivery.objects.create(
        server=server, detection=detect(), state=Delivery.State.FAILED, last_error="It answered 500."
    )


def failed_job() -> Job:
    return Job.objects.create(
        kind=Job.Kind.TRAIN, state=Job.State.FAILED, message="Nobody is enrolled.", finished_at=timezone.now()
    )


def test_a_site_that_is_well_says_so(viewer: Client, all_well: None) -> None:
    page = text(viewer.get("/health/"))
    assert "All is well" in page
    assert "every crop, training and webhook went through" in page
    assert "generation 3" in page


def test_an_installation_without_workers_and_scheduler_says_so_first(viewer: Client) -> None:
    make_person("ada")
    assert problems(viewer)[:2] == ["No worker is alive", "The scheduler is not running"]
    assert problems(viewer)[-1] == "No model is trained, so everyone is unknown"


def test_a_queue_that_no_worker_serves_is_named(viewer: Client, all_well: None) -> None:
    Heartbeat.objects.filter(name="box:2").update(queues="training maintenance")
    assert problems(viewer) == ["No worker recognises faces"]


def test_workers_that_train_are_missed_once_a_job_has_waited_longer_than_one_takes_to_start(
    viewer: Client, all_well: None
) -> None:
    Heartbeat.objects.filter(name="box:2").update(queues="recognition maintenance")
    assert problems(viewer) == []  # an autoscaler has them only while there is something to train
    Job.objects.create(kind=Job.Kind.TRAIN)
    assert problems(viewer) == []
    Job.objects.update(created_at=timezone.now() - timedelta(minutes=3))
    assert problems(viewer) == ["No worker trains"]


def test_a_machine_that_went_away_is_missed_until_it_is_forgotten(viewer: Client, all_well: None) -> None:
    heartbeats.beat("gone:7", Heartbeat.Kind.WORKER, queues="recognition")
    Heartbeat.objects.filter(name="gone:7").update(node="gone", beat_at=timezone.now() - timedelta(minutes=2))
    assert problems(viewer) == ["gone tells nothing of itself any more"]
    heartbeats.forget_gone()
    assert Heartbeat.objects.filter(name="gone:7").exists()
    Heartbeat.objects.filter(name="gone:7").update(beat_at=timezone.now() - timedelta(hours=1))
    heartbeats.forget_gone()
    assert problems(viewer) == []


def test_crops_that_wait_long_are_told_with_their_age(viewer: Client, all_well: None) -> None:
    crop(Crop.State.PENDING, timedelta(minutes=7))
    crop(Crop.State.PENDING)
    assert problems(viewer) == ["Crops wait for 7 minutes"]
    assert "<dt>Crops waiting</dt><dd>2</dd>" in text(viewer.get("/health/"))


def test_an_inbox_that_is_nearly_full_is_told(viewer: Client, all_well: None, settings: object) -> None:
    settings.MAX_INBOX = 2
    crop(Crop.State.PENDING), crop(Crop.State.PENDING)
    assert problems(viewer) == ["The inbox is nearly full: 2 of 2 crops"]


def test_the_last_hour_is_drawn(viewer: Client, all_well: None) -> None:
    for state, minutes in (
        (Crop.State.DONE, 1),
        (Crop.State.DONE, 31),
        (Crop.State.PENDING, 31),
        (Crop.State.DONE, 61),
    ):
        crop(state, timedelta(minutes=minutes))
    page = text(viewer.get("/health/"))
    assert "recognised: 2, not yet, or given up: 1" in page
    assert (page.count('class="lower"'), page.count('class="upper"')) == (2, 1)


def test_storage_that_fails_or_hangs_is_told_in_time(
    viewer: Client, all_well: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise storage.StorageUnavailableError("It is away.")

    monkeypatch.setattr(storage, "probe", away)
    assert problems(viewer) == ["Storage cannot be reached"]
    answers = threading.Event()
    monkeypatch.setattr(vitals, "PATIENCE_S", 0.05)
    monkeypatch.setattr(storage, "probe", answers.wait)
    assert problems(viewer) == ["Storage cannot be reached"]
    assert problems(viewer) == ["Storage cannot be reached"]  # nobody asks a second time meanwhile
    answers.set()
    monkeypatch.setattr(vitals, "PATIENCE_S", 2.0)
    assert problems(viewer) == []


def test_a_question_that_takes_the_database_too_long_is_broken_off(
    viewer: Client, all_well: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless = {
        "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
        "postgresql": "SELECT pg_sleep(60)",
    }

    def ask() -> None:
        with connection.cursor() as cursor:
            cursor.execute(endless[connection.vendor])

    monkeypatch.setattr(vitals, "PATIENCE_S", 0.2)
    monkeypatch.setattr(vitals, "_queue", ask)
    assert "<dt>Crops waiting</dt><dd>?</dd>" in text(viewer.get("/health/"))


def test_a_database_that_does_not_say_which_model_serves_is_no_installation_without_one(
    viewer: Client, all_well: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_person("ada")
    assert problems(viewer) == ["No model is trained, so everyone is unknown"]
    put_in_service()
    assert problems(viewer) == []

    def too_slow(_: str) -> None:
        raise OperationalError

    monkeypatch.setattr(vitals, "ActiveModel", SimpleNamespace(objects=SimpleNamespace(select_related=too_slow)))
    assert problems(viewer) == []
    assert "no model is in service" not in text(viewer.get("/health/"))


def test_a_disk_that_fills_up_is_told(viewer: Client, all_well: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vitals, "_disk", lambda: vitals.Disk(free=2 * 2**30, total=1000 * 2**30))
    assert problems(viewer) == ["The disk has 2.0 GB left"]


def test_cameras_and_nodes_in_trouble_are_told(viewer: Client, all_well: None) -> None:
    key = ApiKey(name="box", scope=ApiKey.Scope.EDGE)
    key.issue()
    make_node(make_camera("gate"), key=key)
    now = timezone.now()
    EdgeNode.objects.update(last_seen_at=now, clock_offset_s=99, dropped=1)
    Camera.objects.update(silent_since=now)
    found = ["Node node lost 1 crop", "The clock of node node is wrong", "Camera gate is silent"]
    assert problems(viewer) == found
    EdgeNode.objects.update(last_seen_at=now - timedelta(hours=1), clock_offset_s=0, dropped=0)
    assert problems(viewer) == ["Node node is silent"]  # of its cameras that goes without saying
    ApiKey.objects.update(expires_at=now + timedelta(days=1))
    EdgeNode.objects.update(last_seen_at=now)
    Camera.objects.update(silent_since=None)
    assert problems(viewer) == ["The key of node node ends soon"]


def test_many_silent_cameras_are_one_problem(viewer: Client, all_well: None) -> None:
    for number in range(6):
        make_camera(f"camera-{number}", silent_since=timezone.now())
    assert problems(viewer) == ["6 cameras are silent or in trouble"]


def test_a_model_that_cannot_be_loaded_is_told(viewer: Client, all_well: None) -> None:
    put_in_service()
    TrainedModel.objects.update(fault="box: not signed")
    assert problems(viewer) == ["The model in service cannot be loaded everywhere"]


def test_what_was_given_up_is_shown_with_its_reason(admin: Client, all_well: None) -> None:
    crop(Crop.State.DEAD), failed_job(), dead_delivery()
    page = text(admin.get("/health/"))
    for words in ("1 crop was given up", "1 training or import failed", "1 webhook was given up"):
        assert words in page
    for words in ("It is no image.", "Nobody is enrolled.", "It answered 500."):
        assert words in page


def test_it_is_tried_again_by_one_and_by_all(admin: Client, woken: list[str]) -> None:
    dead = [crop(Crop.State.DEAD) for _ in range(3)]
    done = crop(Crop.State.DONE)
    page = text(admin.post("/health/again/", {"crop": str(dead[0].pk)}, follow=True))
    assert "1 is tried again" in page
    assert Crop.objects.filter(state=Crop.State.DEAD).count() == 2
    admin.post("/health/again/", {"crop": "all"})
    assert not Crop.objects.filter(state=Crop.State.DEAD).exists()
    assert Crop.objects.get(pk=done.pk).state == Crop.State.DONE
    job, delivery = failed_job(), dead_delivery()
    admin.post("/health/again/", {"job": str(job.pk)})
    admin.post("/health/again/", {"delivery": "all"})
    job.refresh_from_db(), delivery.refresh_from_db()
    assert (job.state, delivery.state) == (Job.State.QUEUED, Delivery.State.PENDING)
    assert woken == [wakeup.RECOGNITION, wakeup.RECOGNITION, wakeup.TRAINING, wakeup.DELIVERY]
    assert list(AuditEntry.objects.order_by("pk").values_list("kind", flat=True)) == ["crop", "crop", "job", "delivery"]


@pytest.mark.parametrize("form", [{}, {"crop": "x"}, {"crop": "' OR 1=1"}, {"person": "all"}])
def test_what_makes_no_sense_is_a_400(admin: Client, form: dict) -> None:
    assert admin.post("/health/again/", form).status_code == 400


def test_a_role_tries_again_only_what_it_may_see_in_the_admin(visit_as: Callable[..., Client], woken: list) -> None:
    dead, job = crop(Crop.State.DEAD), failed_job()
    viewer, operator = visit_as(Role.VIEWER), visit_as(Role.OPERATOR)
    assert "Try again" not in text(viewer.get("/health/"))
    page = text(operator.get("/health/"))
    assert ('name="job"' in page, 'name="crop"' in page) == (True, False)
    assert viewer.post("/health/again/", {"job": "all"}).status_code == 403
    assert operator.post("/health/again/", {"crop": "all"}).status_code == 403
    assert operator.post("/health/again/", {"job": "all"}).status_code == 302
    dead.refresh_from_db(), job.refresh_from_db()
    assert (dead.state, job.state) == (Crop.State.DEAD, Job.State.QUEUED)


def test_trying_again_needs_the_token_of_a_form(make_user: Callable[..., object]) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_user(Role.ADMIN))
    assert client.post("/health/again/", {"crop": "all"}).status_code == 403
