"""Storage in a folder that keeps what it took through a loss of power, as the database beside it does."""

import os
from pathlib import Path

from django.core.files import File
from django.core.files.storage import FileSystemStorage


class FileStorage(FileSystemStorage):
    """Django's, which leaves it to the system when files reach the disk."""

    def _save(self, name: str, content: File) -> str:
        stored = super()._save(name, content)
        path, root = Path(self.path(stored)), Path(self.location)
        for written in (path, *(folder for folder in path.parents if folder.is_relative_to(root))):
            descriptor = os.open(written, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        return stored
