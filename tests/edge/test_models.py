"""A detector's files are used only if they are there and are the right ones; a download is kept."""

import hashlib
import os

import pytest
import requests

from edge_client.config import ModelFiles
from edge_client.models import Networks, local_models
from edge_client.settings import ConfigError

CONTENT = b"a network"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
ADDRESS = "https://models.example/yunet.onnx"


@pytest.fixture
def downloads(web_root, tmp_path, monkeypatch):
    """Serves CONTENT at ADDRESS; returns the addresses that were asked for."""
    (tmp_path / "yunet.onnx").write_bytes(CONTENT)
    asked, get = [], requests.get

    def from_here(address: str, **options: object) -> requests.Response:
        asked.append(address)
        return get(address.replace("https://models.example", web_root), **options)

    monkeypatch.setattr(requests, "get", from_here)
    return asked


def test_download_is_checked_and_kept(downloads, tmp_path):
    cache = tmp_path / "cache"
    for _ in range(2):
        path = local_models("yunet", ModelFiles(ADDRESS, SHA256.upper()), cache)
        assert path.read_bytes() == CONTENT
    assert downloads == [ADDRESS]


def test_kept_download_that_is_damaged_is_made_again(downloads, tmp_path):
    for content in (b"", CONTENT[:4]):
        path = local_models("yunet", ModelFiles(ADDRESS, SHA256), tmp_path / "cache")
        path.write_bytes(content)
    assert local_models("yunet", ModelFiles(ADDRESS, SHA256), tmp_path / "cache").read_bytes() == CONTENT
    assert downloads == [ADDRESS] * 3


def test_download_is_on_the_disk_before_it_has_its_name(downloads, tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda _: synced.append(sorted(file.suffix for file in cache.iterdir())))
    cache = tmp_path / "cache"
    local_models("yunet", ModelFiles(ADDRESS, SHA256), cache)
    assert synced == [[".partial"]]


def test_detector_of_several_files_is_not_downloaded(tmp_path):
    with pytest.raises(ConfigError, match=r"mtcnn is three files .* name the folder that holds them"):
        local_models("mtcnn", ModelFiles(ADDRESS, SHA256), tmp_path)


def test_download_with_another_checksum_is_not_kept(downloads, tmp_path):
    with pytest.raises(ConfigError, match=f"has the SHA-256 {SHA256}, not abc"):
        local_models("yunet", ModelFiles(ADDRESS, "abc"), tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def test_failed_download_is_named(downloads, tmp_path):
    with pytest.raises(ConfigError, match=r"cannot download the model https://models.example/none.onnx"):
        local_models("yunet", ModelFiles("https://models.example/none.onnx", SHA256), tmp_path)


def test_download_is_bounded(downloads, tmp_path, monkeypatch):
    monkeypatch.setattr("edge_client.models._MOST_BYTES", 4)
    with pytest.raises(ConfigError, match="larger than any detector's model"):
        local_models("yunet", ModelFiles(ADDRESS, SHA256), tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


@pytest.mark.parametrize(("place", "sha256"), [(ADDRESS, ""), ("http://models.example/yunet.onnx", SHA256)])
def test_download_needs_https_and_a_checksum(place, sha256, tmp_path):
    with pytest.raises(ConfigError, match="from an https address only, and with its sha256"):
        local_models("yunet", ModelFiles(place, sha256), tmp_path)


def test_file_with_another_checksum_is_refused(tmp_path):
    path = tmp_path / "yunet.onnx"
    path.write_bytes(CONTENT)
    assert local_models("yunet", ModelFiles(str(path), SHA256), tmp_path) == path
    with pytest.raises(ConfigError, match="is it the right file"):
        local_models("yunet", ModelFiles(str(path), "abc"), tmp_path)
    with pytest.raises(ConfigError, match="there is no file"):
        local_models("yunet", ModelFiles(str(tmp_path / "none.onnx")), tmp_path)


def test_detector_without_files_says_where_to_name_them(tmp_path):
    with pytest.raises(ConfigError, match=r"under \[detectors.yunet\] or with --detector-models"):
        Networks({}, tmp_path).finder("yunet")


def test_networks_are_loaded_once(pack_folder, tmp_path):
    networks = Networks({"mtcnn": ModelFiles(str(pack_folder))}, tmp_path)
    assert networks.finder("mtcnn") is networks.finder("mtcnn")
