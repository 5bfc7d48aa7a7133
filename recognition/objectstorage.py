"""S3-compatible storage whose client gives up early: a thread that waits for storage serves nobody."""

from botocore.config import Config
from storages.backends.s3 import S3Storage


class ObjectStorage(S3Storage):
    """django-storages' S3, with timeouts and few retries."""

    def __init__(self, **options: object) -> None:
        super().__init__(**options)
        patience = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 2})
        self.client_config = self.client_config.merge(patience)
