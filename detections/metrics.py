"""What becomes of crops and webhooks, counted for Prometheus."""

from prometheus_client import Counter, Histogram

ACCEPTED = Counter("facesite_crops_accepted_total", "Crops committed to the inbox, each once.")
CROPS = Counter(
    "facesite_crops_total", "Crops that recognition is done with (done, dead), or will try again (retry).", ("outcome",)
)
CROP_SECONDS = Histogram(
    "facesite_crop_seconds",
    "Time from when a crop was accepted until its detections were stored.",
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800),
)
WEBHOOK_SECONDS = Histogram(
    "facesite_webhook_seconds",
    "Time that one attempt at a webhook took, by its result.",
    ("result",),
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
