"""Azure Blob Storage behaving as the other storages do: a missing object is a missing file, folders are listed as
folders, and the client gives up early, because a thread that waits for storage serves nobody.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from azure.core.exceptions import ResourceNotFoundError
from azure.identity import DefaultAzureCredential
from azure.storage.blob import BlobPrefix, BlobServiceClient
from storages.backends.azure_storage import AzureStorage, AzureStorageFile


@contextmanager
def _missing(name: str) -> Iterator[None]:
    try:
        yield
    except ResourceNotFoundError as error:
        raise FileNotFoundError(name) from error


class BlobStorage(AzureStorage):
    """django-storages' Azure Blob, opened with an account's key or else as whoever the machine is for Azure."""

    def __init__(self, *, account_url: str = "", **options: object) -> None:
        super().__init__(**options)
        self._account_url = account_url or f"https://{self.account_name}.blob.core.windows.net"

    def _get_service_client(self) -> BlobServiceClient:
        key = {"account_name": self.account_name, "account_key": self.account_key}
        return BlobServiceClient(
            self._account_url,
            credential=key if self.account_key else DefaultAzureCredential(),
            connection_timeout=2,
            read_timeout=5,
            retry_total=1,
        )

    def _open(self, name: str, mode: str = "rb") -> AzureStorageFile:
        with _missing(name):
            opened = super()._open(name, mode)
            opened.file  # noqa: B018 - downloads it
        return opened

    def size(self, name: str) -> int:
        with _missing(name):
            return super().size(name)

    def get_modified_time(self, name: str) -> datetime:
        with _missing(name):
            return super().get_modified_time(name)

    def listdir(self, path: str = "") -> tuple[list[str], list[str]]:
        folder = f"{self._get_valid_path(path)}/" if path or self.location else ""
        folders, files = [], []
        for found in self.client.walk_blobs(name_starts_with=folder, timeout=self.timeout):
            name = found.name.removeprefix(folder).rstrip("/")
            (folders if isinstance(found, BlobPrefix) else files).append(name)
        return folders, files
