"""Reads the environment: turns the few URLs an operator sets into the dictionaries that Django and Celery want."""

import base64
import os
import secrets
from collections.abc import Callable, Iterable
from contextlib import suppress
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

SQLITE_TIMEOUT_S = 30


def data_dir(given: str, default: Path) -> Path:
    """The folder of an embedded installation. It holds faces, so only its owner may look into it, unless an operator
    has chosen another. A container keeps nothing in it, and may not be able to make it.
    """
    folder = Path(given or default).resolve()
    with suppress(OSError):
        if not folder.exists():
            folder.mkdir(mode=0o700, parents=True)
        elif folder == default and folder.stat().st_uid == os.geteuid():
            folder.chmod(0o700)  # made by a version that let others look
    return folder


def secret_key(data_dir: Path) -> str:
    """The key kept in the data folder, made on first use, so that a laptop needs no configuration."""
    return _made_once(data_dir / "secret-key", lambda: secrets.token_urlsafe(50))


def signing_key(data_dir: Path) -> str:
    """The private key of models, kept and made likewise: any 32 bytes are an Ed25519 key."""
    return _made_once(data_dir / "model-signing-key", lambda: base64.b64encode(secrets.token_bytes(32)).decode())


def _made_once(path: Path, make: Callable[[], str]) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(make())
        # Two processes may start at once: a hard link keeps whichever came first, complete.
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()


def origin(url: str) -> list[str]:
    """What a content policy calls the servers of an address in which {s} stands for several; none of an empty one."""
    if not url:
        return []
    parts = urlsplit(url.replace("{s}", "*"))
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ImproperlyConfigured(f"MAP_TILES_URL is no address of a web server: {url}")
    return [f"{parts.scheme}://{parts.netloc}"]


def database(config: dict) -> dict:
    """Complete a parsed DATABASE_URL with what durability asks of each database."""
    if config["ENGINE"].endswith("sqlite3"):
        Path(config["NAME"]).parent.mkdir(parents=True, exist_ok=True)
        config["ENGINE"] = "facesite.sqlite"
        config["OPTIONS"] = {
            # A deferred transaction that later writes can fail at once with "database is locked".
            "transaction_mode": "IMMEDIATE",
            "timeout": SQLITE_TIMEOUT_S,
            # FULL: a 202 survives power loss. secure_delete: erased bytes are overwritten, not just unlinked.
            # Nor may they stay in the log, which lives as long as any connection: every new one (the sweeper makes one
            # every few seconds) empties it, unless it is in use just then.
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON;"
            f"PRAGMA busy_timeout=0; PRAGMA wal_checkpoint(TRUNCATE); PRAGMA busy_timeout={1000 * SQLITE_TIMEOUT_S};",
        }
    else:
        config["CONN_HEALTH_CHECKS"] = True
        # A server that has vanished without a word is noticed within seconds, not after TCP's quarter of an hour.
        config["OPTIONS"] = {
            "connect_timeout": 5,
            "keepalives_idle": 30,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 20_000,
        } | config.get("OPTIONS", {})
    # Opening one costs more than what most requests ask of it.
    config["CONN_MAX_AGE"] = config.get("CONN_MAX_AGE") or 60
    return config


def storage(url: str) -> dict:
    """`file:///folder`, `s3://bucket/prefix?endpoint_url=…&region_name=…` or `azure://container/prefix?account_name=…`
    as a STORAGES entry.

    Credentials come from the usual variables of AWS and Azure or the machine's own identity.
    """
    parts = urlsplit(url)
    if parts.scheme == "file":
        folder = unquote(parts.path)
        return {
            "BACKEND": "recognition.filestorage.FileStorage",
            "OPTIONS": {"location": folder, "base_url": None, "file_permissions_mode": 0o600},
        }
    if parts.scheme == "s3":
        options = dict(parse_qsl(parts.query))
        return {
            "BACKEND": "recognition.objectstorage.ObjectStorage",
            "OPTIONS": {
                "bucket_name": parts.netloc,
                "location": parts.path.lstrip("/"),
                "file_overwrite": False,
                "default_acl": None,
                **options,
            },
        }
    if parts.scheme == "azure":
        return {
            "BACKEND": "recognition.blobstorage.BlobStorage",
            "OPTIONS": {
                "azure_container": parts.netloc,
                "location": parts.path.lstrip("/"),
                "account_key": os.environ.get("AZURE_STORAGE_KEY"),
                "timeout": 10,
                **dict(parse_qsl(parts.query)),
            },
        }
    raise ImproperlyConfigured(f"STORAGE_URL must start with file://, s3:// or azure://, not {parts.scheme or url!r}.")


def networks(texts: Iterable[str]) -> list[IPv4Network | IPv6Network]:
    """`10.1.2.0/24` or a single address, as WEBHOOK_ALLOWED_NETWORKS lists them."""
    try:
        return [ip_network(text.strip()) for text in texts]
    except ValueError as error:
        raise ImproperlyConfigured(f"WEBHOOK_ALLOWED_NETWORKS: {error}. Write networks as 10.1.2.0/24.") from error


def broker(url: str, data_dir: Path) -> dict:
    """Celery settings for the broker: Redis when deployed, a folder of messages when not."""
    if urlsplit(url).scheme != "filesystem":
        return {
            "broker_url": url,
            "broker_transport_options": {
                # One request now and then waits so long for a broker that has stopped answering.
                "socket_connect_timeout": 1,
                "socket_timeout": 1,
                "socket_keepalive": True,
                # So is a connection that is dead without having been closed, by a worker that only listens.
                "health_check_interval": 10,
                # A wake-up may be lost, so none is acknowledged. An acknowledgement that a broker which hung never took
                # stayed with the worker as unsettled work, until it had as much as it may and took no message any more.
                "ack_emulation": False,
                # Whoever sends a wake-up must not wait for a broker that is down.
                "max_retries": 0,
            },
        }
    messages = data_dir / "broker"
    control = data_dir / "broker-control"
    for folder in (messages, control):
        folder.mkdir(parents=True, exist_ok=True)
    return {
        "broker_url": "filesystem://localhost",
        "broker_transport": "facesite.folder_broker:Transport",
        "broker_transport_options": {
            "data_folder_in": str(messages),
            "data_folder_out": str(messages),
            "control_folder": str(control),
            "polling_interval": 0.1,
        },
    }
