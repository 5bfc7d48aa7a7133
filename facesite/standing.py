"""How things stand in the database, as metrics. Every web process tells the same, so take the maximum of them."""

import shutil
from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError
from django.db.models import F, QuerySet, Sum
from django.db.models.functions import Now
from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from detections.models import Camera, CameraStatus, Crop, Delivery, EdgeNode, ExternalServer
from detections.webhooks import delivering
from recognition import heartbeats
from recognition.models import ActiveModel, Heartbeat, Job


class Standing:
    """Collected when it is asked for. While the database is away, this is all there is to say."""

    def collect(self) -> Iterator[Metric]:
        usage = shutil.disk_usage(settings.DATA_DIR)
        yield _gauge("disk_free_bytes", "Free where DATA_DIR is.", usage.free)
        yield _gauge("disk_bytes", "Size of the disk that DATA_DIR is on.", usage.total)
        try:
            found = [*_work(), *_processes(), *_nodes(), *_cameras()]
        except DatabaseError:
            found = []
        yield _gauge("database_up", "Whether the database answers.", bool(found))
        yield from found


def _work() -> Iterator[Metric]:
    waiting = Crop.objects.filter(state=Crop.State.PENDING)
    yield _gauge("inbox_crops", "Crops that wait, those being worked on included.", waiting.count())
    yield _gauge("inbox_age_seconds", "For how long the first crop has been due.", _age(Crop.objects.due()))
    deliveries = Delivery.objects.filter(state=Delivery.State.PENDING)
    yield _gauge("webhooks_waiting", "Webhooks to be delivered.", deliveries.count())
    yield _gauge("webhooks_age_seconds", "For how long the first webhook has been due.", _age(delivering.due()))
    paused = ExternalServer.objects.filter(is_active=True, paused_until__gt=Now()).count()
    yield _gauge("webhook_servers_paused", "Servers left alone for a while after failures.", paused)
    jobs = GaugeMetricFamily("facesite_training_jobs", "Trainings and imports that are not over.", labels=("state",))
    for state in (Job.State.QUEUED, Job.State.RUNNING):
        jobs.add_metric((state,), Job.objects.filter(kind__in=Job.LONG, state=state).count())
    yield jobs


def _processes() -> Iterator[Metric]:
    pointer = ActiveModel.objects.filter(pk=ActiveModel.SINGLETON).first() or ActiveModel()
    yield _gauge("model_generation", "Of the model that is to serve.", pointer.generation)
    beats = list(Heartbeat.objects.filter(beat_at__gt=Now() - heartbeats.SILENT_AFTER))
    alive = GaugeMetricFamily("facesite_processes", "Processes heard lately.", labels=("kind",))
    serving = GaugeMetricFamily("facesite_process_generation", "Of the model in memory.", labels=("process",))
    for kind in (Heartbeat.Kind.WEB, Heartbeat.Kind.WORKER):
        alive.add_metric((kind,), sum(one.kind == kind for one in beats))
    for one in beats:
        if one.generation is not None:
            serving.add_metric((one.name,), one.generation)
    yield from (alive, serving)
    ran = GaugeMetricFamily("facesite_task_seconds", "Since a task of the scheduler last ran.", labels=("task",))
    for one in Heartbeat.objects.filter(kind=Heartbeat.Kind.TASK).annotate(age=Now() - F("beat_at")):
        ran.add_metric((one.name,), _number(one.age))
    yield ran


NODE = {
    "edge_crops_waiting": (GaugeMetricFamily, "queued", "Crops in the node's spool."),
    "edge_spool_bytes": (GaugeMetricFamily, "spool_bytes", "Size of the node's spool."),
    "edge_crops_dropped": (CounterMetricFamily, "dropped", "Crops that a full spool lost, since the node's start."),
    "edge_crops_rejected": (CounterMetricFamily, "rejected", "Crops that the server refused, since the node's start."),
    "edge_sent_bytes": (CounterMetricFamily, "bytes_sent", "What the node sent, headers included, since its start."),
    "edge_clock_offset_seconds": (GaugeMetricFamily, "clock_offset_s", "How far the node's clock is behind."),
    "edge_heard_seconds": (GaugeMetricFamily, "age", "Since the node last reported."),
    "edge_frames_per_second": (GaugeMetricFamily, "frames", "That the node looks at, over all of its cameras."),
    "edge_saved_bytes": (GaugeMetricFamily, "saved", "Of its cameras' video, less what it sent, since its start."),
}


def _nodes() -> Iterator[Metric]:
    nodes = EdgeNode.objects.exclude(reported_at=None).annotate(
        age=Now() - F("reported_at"),
        frames=Sum("cameras__status__frames_per_second", default=0.0),
        saved=Sum("cameras__status__bytes_saved", default=0),
    )
    nodes = list(nodes)
    for name, (family, field, text) in NODE.items():
        metric = family(f"facesite_{name}", text, labels=("edge_node",))
        for node in nodes:
            metric.add_metric((node.name,), _number(getattr(node, field)))
        yield metric


def _cameras() -> Iterator[Metric]:
    silent = GaugeMetricFamily("facesite_camera_silent", "1: nothing is heard of an active camera.", labels=("camera",))
    for camera in Camera.objects.filter(is_active=True):
        silent.add_metric((camera.pk,), camera.silent_since is not None)
    yield silent
    frames = GaugeMetricFamily("facesite_camera_frames_per_second", "Looked at by its node.", labels=("camera",))
    for status in CameraStatus.objects.all():
        frames.add_metric((status.camera_id,), status.frames_per_second)
    yield frames


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"facesite_{name}", text, value=value)


def _age(due: QuerySet) -> float:
    """Seconds, on the database's clock."""
    return _number(due.order_by("due_at").values_list(Now() - F("due_at"), flat=True).first() or 0)


def _number(value: float | timedelta) -> float:
    return max(0.0, value.total_seconds()) if isinstance(value, timedelta) else value
