"""Where cameras are, how they are watched, and the boxes beside them."""

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from access.models import ApiKey
from detections.streams import check_stream

DEFAULT_MIN_SIZE = 40.0  # pixels, of a node that is told nothing else


class Location(models.Model):
    """A place that cameras look at."""

    name = models.CharField(max_length=100, unique=True)
    description = models.CharField(max_length=300, blank=True)
    latitude = models.FloatField(null=True, blank=True, validators=[MinValueValidator(-90), MaxValueValidator(90)])
    longitude = models.FloatField(null=True, blank=True, validators=[MinValueValidator(-180), MaxValueValidator(180)])

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    @property
    def has_coordinates(self) -> bool:
        return self.latitude is not None and self.longitude is not None


class Camera(models.Model):
    """A camera, named as edge nodes name it."""

    id = models.SlugField(primary_key=True, max_length=50, help_text="As in the node's settings: entrance, gate-2.")
    name = models.CharField(max_length=100)
    location = models.ForeignKey(Location, on_delete=models.PROTECT, related_name="cameras")
    is_active = models.BooleanField(default=True, help_text="Crops of an inactive camera are refused.")
    # Where it is on the floor plan of its location, as shares of width and height; None: nowhere.
    plan_x = models.FloatField(null=True, editable=False, validators=[MinValueValidator(0), MaxValueValidator(1)])
    plan_y = models.FloatField(null=True, editable=False, validators=[MinValueValidator(0), MaxValueValidator(1)])
    # On the database's clock; None: never.
    heard_at = models.DateTimeField("last heard", null=True, editable=False)
    silent_since = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class FloorPlan(models.Model):
    """A drawing of a location, as a JPEG of at most some hundred kilobytes: small enough for a row, so that it needs
    no file of its own to keep in step.
    """

    location = models.OneToOneField(Location, primary_key=True, on_delete=models.CASCADE, related_name="plan")
    jpeg = models.BinaryField()
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    changed_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"floor plan of {self.location_id}"


class CameraSettings(models.Model):
    """How an edge node watches a camera. What is empty, the node decides; what its own file states goes before this."""

    class Detector(models.TextChoices):
        MTCNN = "mtcnn", "MTCNN"
        YUNET = "yunet", "YuNet"
        ULTRALIGHT = "ultralight", "Ultra-Light"

    class Codec(models.TextChoices):
        JPEG = "jpeg", "JPEG"
        WEBP = "webp", "WebP"
        AVIF = "avif", "AVIF"

    camera = models.OneToOneField(Camera, primary_key=True, on_delete=models.CASCADE, related_name="settings")
    video_source = models.CharField(
        max_length=500,
        blank=True,
        help_text="Stream address or webcam number, as the node reaches it. The node gets any password in it.",
    )
    target_fps = models.FloatField(
        "frames per second",
        null=True,
        blank=True,
        validators=[MinValueValidator(0.01)],
        help_text="Looked at, at most.",
    )
    skip_frames = models.PositiveSmallIntegerField(null=True, blank=True, help_text="After each that is looked at.")
    min_size = models.FloatField("smallest face, pixels", null=True, blank=True, validators=[MinValueValidator(12)])
    max_size = models.FloatField("largest face, pixels", null=True, blank=True, validators=[MinValueValidator(12)])
    min_confidence = models.FloatField(
        "least detector confidence", null=True, blank=True, validators=[MinValueValidator(0), MaxValueValidator(1)]
    )
    motion = models.BooleanField("look only where something moves", null=True, blank=True)
    detector = models.CharField(max_length=20, choices=Detector, blank=True)
    codec = models.CharField("format of the crops", max_length=10, choices=Codec, blank=True)

    class Meta:
        verbose_name = verbose_name_plural = "settings at the edge node"

    def __str__(self) -> str:
        return f"settings of {self.camera_id}"

    def clean(self) -> None:
        if self.video_source:
            try:
                check_stream(self.video_source)
            except ValidationError as error:
                raise ValidationError({"video_source": error}) from error
        smallest = DEFAULT_MIN_SIZE if self.min_size is None else self.min_size
        if self.max_size is not None and self.max_size <= smallest:
            raise ValidationError({"max_size": f"The largest face must be larger than the smallest ({smallest:g})."})


class CameraStatus(models.Model):
    """What an edge node told last of one of its cameras."""

    camera = models.OneToOneField(Camera, primary_key=True, on_delete=models.CASCADE, related_name="status")
    frames_per_second = models.FloatField(default=0.0)
    faces_per_minute = models.FloatField(default=0.0)
    bytes_saved = models.BigIntegerField(default=0, help_text="Of its video, less what was sent.")
    last_crop_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=300, blank=True)
    reported_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"status of {self.camera_id}"


class EdgeNode(models.Model):
    """A box beside the cameras. Its keys may send crops of its cameras only."""

    name = models.CharField(max_length=100, unique=True)
    cameras = models.ManyToManyField(Camera, blank=True, related_name="nodes")
    keys = models.ManyToManyField(
        ApiKey, blank=True, related_name="nodes", limit_choices_to={"scope": ApiKey.Scope.EDGE}, verbose_name="API keys"
    )
    last_seen_at = models.DateTimeField(null=True, blank=True, editable=False)
    # What the node told of itself last.
    reported_at = models.DateTimeField(null=True, editable=False)
    version = models.CharField(max_length=40, blank=True, editable=False)
    queued = models.PositiveBigIntegerField("crops waiting", default=0, editable=False)
    spool_bytes = models.PositiveBigIntegerField(default=0, editable=False)
    dropped = models.PositiveBigIntegerField("crops dropped", default=0, editable=False)
    rejected = models.PositiveBigIntegerField("crops rejected", default=0, editable=False)
    bytes_sent = models.PositiveBigIntegerField(default=0, editable=False)
    last_error = models.CharField(max_length=300, blank=True, editable=False)
    clock_offset_s = models.FloatField("seconds its clock is behind", default=0.0, editable=False)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name
