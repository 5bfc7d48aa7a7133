"""The URLs an operator sets become settings, or a clear error."""

import base64
import sqlite3
from contextlib import closing
from pathlib import Path
from stat import S_IMODE

import pytest
from django.core.exceptions import ImproperlyConfigured

from facesite import env


def mode(path: Path) -> int:
    return S_IMODE(path.stat().st_mode)


def test_only_their_owner_sees_the_files_of_an_installation(tmp_path: Path) -> None:
    made = env.data_dir(str(tmp_path / "deep" / "made"), default=tmp_path / "var")
    assert mode(made) == 0o700
    default = tmp_path / "var"
    default.mkdir(mode=0o755)
    assert env.data_dir("", default=default) == default
    assert mode(default) == 0o700


def test_a_folder_that_an_operator_made_is_left_as_it_is(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir(mode=0o755)
    assert env.data_dir(str(shared), default=tmp_path / "var") == shared
    (tmp_path / "var").symlink_to(shared)
    assert env.data_dir("", default=tmp_path / "var") == shared
    assert mode(shared) == 0o755


def test_where_nothing_is_kept_there_need_not_be_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    nowhere = tmp_path / "file" / "var"  # as on a file system that is read-only
    assert env.data_dir("", default=nowhere) == nowhere


def test_the_secret_key_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    key = env.secret_key(tmp_path / "var")
    assert len(key) >= 50
    assert env.secret_key(tmp_path / "var") == key
    assert S_IMODE((tmp_path / "var" / "secret-key").stat().st_mode) == 0o600


def test_the_key_of_models_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    key = env.signing_key(tmp_path)
    assert len(base64.b64decode(key)) == 32
    assert env.signing_key(tmp_path) == key
    assert S_IMODE((tmp_path / "model-signing-key").stat().st_mode) == 0o600


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


def test_a_container_of_azure_is_storage_opened_as_whoever_the_machine_is() -> None:
    options = env.storage("azure://faces/site?account_name=ours")["OPTIONS"]
    assert (options["azure_container"], options["location"], options["account_name"]) == ("faces", "site", "ours")
    assert options["account_key"] is None


@pytest.mark.parametrize("url", ["ftp://faces", "faces", ""])
def test_other_storage_is_refused_with_what_would_do(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"file://, s3:// or azure://"):
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


def test_a_new_sqlite_connection_leaves_nothing_erased_in_the_log_of_one_that_stays(tmp_path: Path) -> None:
    path = tmp_path / "db.sqlite3"
    config = env.database({"ENGINE": "django.db.backends.sqlite3", "NAME": str(path)})

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(path, isolation_level=None)
        for command in config["OPTIONS"]["init_command"].split(";"):
            connection.execute(command)
        return connection

    with closing(connect()) as kept:
        kept.execute("CREATE TABLE people (name)")
        kept.execute("INSERT INTO people VALUES ('Ada Lovelace')")
        kept.execute("DELETE FROM people")
        log = path.with_name("db.sqlite3-wal")
        assert b"Ada Lovelace" in log.read_bytes()
        with closing(connect()) as new:
            assert new.execute("PRAGMA busy_timeout").fetchone() == (1000 * config["OPTIONS"]["timeout"],)
        assert log.read_bytes() == b""
        assert b"Ada Lovelace" not in path.read_bytes()


@pytest.mark.parametrize("engine", ["django.db.backends.sqlite3", "django.db.backends.postgresql"])
def test_connections_are_kept_unless_the_url_says_otherwise(tmp_path: Path, engine: str) -> None:
    config = {"ENGINE": engine, "NAME": str(tmp_path / "db")}
    assert env.database(config | {"CONN_MAX_AGE": 0})["CONN_MAX_AGE"] == 60
    assert env.database(config | {"CONN_MAX_AGE": 5})["CONN_MAX_AGE"] == 5
