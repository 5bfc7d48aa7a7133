"""The URLs an operator sets become settings, or a clear error."""

from pathlib import Path
from stat import S_IMODE

import pytest
from django.core.exceptions import ImproperlyConfigured

from facesite import env


def test_the_secret_key_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    key = env.secret_key(tmp_path / "var")
    assert len(key) >= 50
    assert env.secret_key(tmp_path / "var") == key
    assert S_IMODE((tmp_path / "var" / "secret-key").stat().st_mode) == 0o600


def test_a_folder_is_storage(tmp_path: Path) -> None:
    entry = env.storage(f"file://{tmp_path}/with%20space")
    assert entry["OPTIONS"]["location"] == f"{tmp_path}/with space"


def test_a_bucket_is_storage_that_is_private_and_never_overwritten() -> None:
    entry = env.storage("s3://faces/site?endpoint_url=http://minio:9000&region_name=eu-central-1")
    options = entry["OPTIONS"]
    assert (options["bucket_name"], options["location"]) == ("faces", "site")
    assert options["endpoint_url"] == "http://minio:9000"
    assert options["file_overwrite"] is False
    assert options["default_acl"] is None


@pytest.mark.parametrize("url", ["ftp://faces", "faces", ""])
def test_other_storage_is_refused_with_what_would_do(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"file:// or s3://"):
        env.storage(url)


def test_redis_is_a_broker_that_gives_up_on_dead_connections(tmp_path: Path) -> None:
    found = env.broker("redis://host:6379/0", tmp_path)
    assert found["broker_url"] == "redis://host:6379/0"
    assert found["broker_transport_options"]["socket_timeout"] <= 5


def test_the_folder_broker_has_its_folders(tmp_path: Path) -> None:
    options = env.broker("filesystem://", tmp_path)["broker_transport_options"]
    assert Path(options["data_folder_in"]).is_dir()
    assert options["data_folder_in"] == options["data_folder_out"]


def test_sqlite_is_durable_and_overwrites_what_is_erased(tmp_path: Path) -> None:
    config = env.database({"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "new" / "db.sqlite3")})
    assert (tmp_path / "new").is_dir()
    assert config["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON"):
        assert pragma in config["OPTIONS"]["init_command"]
