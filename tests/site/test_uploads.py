"""What is sent leaves nothing behind on the disk, however its request ends."""

from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http.multipartparser import MultiPartParserError
from django.test import RequestFactory

LARGE = bytes(range(256)) * 3 * 2**12  # more than is kept in memory


def test_a_large_upload_has_no_name_while_it_is_used(tmp_path: Path, settings: object) -> None:
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path)
    request = RequestFactory().post("/", {"photo": SimpleUploadedFile("ada.jpg", LARGE)})
    photo = request.FILES["photo"]
    assert list(tmp_path.iterdir()) == []
    assert (photo.name, photo.size, photo.read()) == ("ada.jpg", len(LARGE), LARGE)
    assert b"".join(photo.chunks()) == LARGE
    photo.close()


def test_nor_when_it_ends_too_soon(tmp_path: Path, settings: object) -> None:
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path)
    request = RequestFactory().post("/", {"photo": SimpleUploadedFile("ada.jpg", LARGE)})
    whole = request.read()
    cut = RequestFactory().generic("POST", "/", whole[: len(whole) // 2], content_type=request.content_type)
    with pytest.raises(MultiPartParserError):
        _ = cut.FILES
    assert list(tmp_path.iterdir()) == []
