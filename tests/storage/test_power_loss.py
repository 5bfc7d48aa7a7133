"""What a folder has taken is on the disk, name and bytes, before anybody is told that it was stored."""

import os
from pathlib import Path

import pytest
from django.conf import LazySettings

from facesite import env
from recognition import storage


def test_file_and_folders_reach_the_disk(
    tmp_path: Path, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.STORAGES = settings.STORAGES | {"default": env.storage(f"file://{tmp_path}")}
    flushed = []
    sync = os.fsync

    def note(descriptor: int) -> None:
        flushed.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    storage.write_once("photos/somebody/one.jpg", b"a photo")
    whole = tmp_path / "photos/somebody/one.jpg"
    assert flushed == [str(path) for path in (whole, whole.parent, tmp_path / "photos", tmp_path)]
