"""Trained models, the pointer to the one in service, and long-running jobs."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models.functions import Now


class TrainedModel(models.Model):
    """A published artifact. Its name is the SHA-256 of its bytes, so it is never overwritten."""

    sha256 = models.CharField("SHA-256", max_length=64, unique=True)
    pack_id = models.CharField("pack", max_length=100)
    classifier = models.CharField(max_length=30)
    threshold = models.FloatField()
    false_alarm_rate = models.FloatField(help_text="Share of strangers that may be given a name.")
    expected_miss_rate = models.FloatField(
        null=True, help_text="Share of enrolled people’s photos that would not be named; null: nobody has two photos."
    )
    trade_offs = models.JSONField(
        null=True, editable=False, help_text="What other false-alarm rates would mean, as `TradeOff`s."
    )
    people_count = models.PositiveIntegerField("people")
    vector_count = models.PositiveIntegerField("photos")
    size = models.PositiveBigIntegerField(help_text="Bytes.")
    created_at = models.DateTimeField(auto_now_add=True)
    read_at = models.DateTimeField(
        db_default=Now(), editable=False, help_text="When what it learnt from began to be read."
    )
    signature = models.CharField(
        max_length=88, blank=True, help_text="Ed25519, base64; empty: published before models were signed."
    )
    fault = models.CharField(
        max_length=300, blank=True, help_text="Why a process could not load it, until one can; empty: all is well."
    )
    leaves_at = models.DateTimeField(
        null=True, blank=True, help_text="It knows somebody erased, and serves the others until then at the latest."
    )
    retired_at = models.DateTimeField(null=True, blank=True)
    retired_because = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ("-pk",)

    def __str__(self) -> str:
        return f"model {self.pk} ({self.classifier}, {self.people_count} people)"

    FOLDER = "models"

    @property
    def storage_name(self) -> str:
        return f"{self.FOLDER}/{self.sha256}.safetensors"


class ModelLabel(models.Model):
    """That a model knows a label: how erasure finds every model that lists a person."""

    model = models.ForeignKey(TrainedModel, on_delete=models.CASCADE, related_name="labels")
    label = models.CharField(max_length=36, db_index=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("model", "label"), name="model_label_once"),)

    def __str__(self) -> str:
        return f"{self.label} in model {self.model_id}"


class ActiveModel(models.Model):
    """The one row that says which model serves. Its generation only rises; processes compare it before each batch."""

    SINGLETON = 1

    model = models.ForeignKey(TrainedModel, null=True, on_delete=models.PROTECT)
    generation = models.PositiveBigIntegerField(default=0)
    wanted_rate = models.FloatField(
        null=True, help_text="False-alarm rate that somebody chose for the next trainings; null: that of the settings."
    )
    changed_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"generation {self.generation}"

    @classmethod
    def locked(cls) -> "ActiveModel":
        """The row, locked until the transaction ends: whoever publishes, retires or claims training waits here."""
        cls.objects.get_or_create(pk=cls.SINGLETON)
        return cls.objects.select_for_update().get(pk=cls.SINGLETON)


class Job(models.Model):
    """Work answered with a 202, to be followed at `/api/v1/jobs/{id}`."""

    class Kind(models.TextChoices):
        GENERATE_EMB = "generate-emb", "Re-embed all photos"
        OPTIMIZED_TRAIN = "optimized-train", "Train from stored vectors"
        TRAIN = "train", "Re-embed and train"
        RECOGNISE = "recognise", "Recognise submitted crops"
        IMPORT_PHOTOS = "import-photos", "Import photos"

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        SUCCEEDED = "succeeded", "Succeeded"
        FAILED = "failed", "Failed"

    TRAINING = (Kind.GENERATE_EMB, Kind.OPTIMIZED_TRAIN, Kind.TRAIN)
    # What may take long, one at a time: so that it never takes all workers from recognition.
    LONG = (*TRAINING, Kind.IMPORT_PHOTOS)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=20, choices=Kind)
    state = models.CharField(max_length=20, choices=State, default=State.QUEUED)
    total = models.PositiveIntegerField(default=0, help_text="Steps of the work.")
    done = models.PositiveIntegerField(default=0, help_text="Steps that are finished, failed ones included.")
    failed = models.PositiveIntegerField(default=0, help_text="Steps that failed.")
    message = models.CharField(max_length=500, blank=True)
    model = models.ForeignKey(TrainedModel, null=True, blank=True, on_delete=models.SET_NULL)
    attempts = models.PositiveSmallIntegerField(default=0)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)

    class Meta:
        ordering = ("-created_at",)
        indexes = (models.Index(fields=("state", "kind"), name="job_state_kind"),)

    def __str__(self) -> str:
        return f"{self.get_kind_display()} ({self.state})"

    @property
    def is_over(self) -> bool:
        return self.state in {self.State.SUCCEEDED, self.State.FAILED}

    @property
    def progress(self) -> float:
        """Share of the work that is finished, 0 to 1."""
        if self.is_over:
            return 1.0
        return self.done / self.total if self.total else 0.0


class Heartbeat(models.Model):
    """That a process lives, or when a task of the scheduler last ran. Each writes its one row now and then."""

    class Kind(models.TextChoices):
        WEB = "web", "Web"
        WORKER = "worker", "Worker"
        TASK = "task", "Task"

    name = models.CharField(primary_key=True, max_length=150)
    kind = models.CharField(max_length=10, choices=Kind)
    node = models.CharField(max_length=100, help_text="The machine or container.")
    queues = models.CharField(max_length=200, blank=True, help_text="What a worker takes tasks from.")
    generation = models.PositiveBigIntegerField(null=True, help_text="Of the model in memory; null: none is loaded.")
    started_at = models.DateTimeField(db_default=Now())
    beat_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ("kind", "name")

    def __str__(self) -> str:
        return self.name
