"""Fixtures that every area shares: the built pack, the corpus, accounts and keys of each role."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, User
from rest_framework.test import APIClient

from access.models import ApiKey
from access.roles import Role
from recognition.engine.packs import Pack, open_pack
from tests.servers import postgres_bin, private_postgres, private_redis

IN_CI = bool(os.environ.get("CI"))
SHARED = Path(os.environ.get("FACESITE_SHARED", Path(__file__).resolve().parents[2] / "shared"))


def required(found: bool, what: str) -> None:
    """Missing parts skip a test on a laptop and fail it in CI."""
    if not found:
        (pytest.fail if IN_CI else pytest.skip)(f"{what} is not here")


@pytest.fixture(scope="session")
def corpus() -> Path:
    folder = SHARED / "data"
    required(folder.is_dir(), "the face corpus")
    return folder


@pytest.fixture(scope="session")
def shared_models() -> Path:
    folder = SHARED / "models"
    required(folder.is_dir(), "the folder of test models")
    return folder


@pytest.fixture(scope="session")
def pack_folder() -> Path:
    return settings.PACKS_DIR / settings.PACK


@pytest.fixture(scope="session")
def pack(pack_folder: Path) -> Pack:
    return open_pack(pack_folder)


@pytest.fixture
def storage(tmp_path: Path, settings: object) -> Path:
    """A storage folder of the test's own."""
    settings.STORAGES = settings.STORAGES | {
        "default": settings.STORAGES["default"] | {"OPTIONS": {"location": str(tmp_path / "storage"), "base_url": None}}
    }
    return tmp_path / "storage"


@pytest.fixture
def make_user(db: None) -> Callable[..., User]:
    def make(role: Role | None, name: str = "") -> User:
        user = User.objects.create_user(name or f"{role or 'nobody'}", password="correct horse battery")
        if role:
            user.groups.add(Group.objects.get_or_create(name=role)[0])
        return user

    return make


@pytest.fixture
def make_key(db: None) -> Callable[..., str]:
    def make(scope: ApiKey.Scope, **fields: object) -> str:
        return ApiKey(name=f"test {scope}", scope=scope, **fields).issue()

    return make


@pytest.fixture
def as_role(make_user: Callable[..., User]) -> Callable[[Role | None], APIClient]:
    """An API client logged in as a person of that role (None: an account without one)."""

    def client(role: Role | None) -> APIClient:
        api = APIClient()
        api.force_login(make_user(role))
        return api

    return client


@pytest.fixture
def with_key(make_key: Callable[..., str]) -> Callable[[ApiKey.Scope], APIClient]:
    """An API client that carries a new key of that scope."""

    def client(scope: ApiKey.Scope) -> APIClient:
        api = APIClient()
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {make_key(scope)}")
        return api

    return client


@pytest.fixture
def operator(as_role: Callable[[Role], APIClient]) -> APIClient:
    return as_role(Role.OPERATOR)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """DATABASE_URL of a private PostgreSQL server."""
    required(postgres_bin() is not None, "PostgreSQL")
    with private_postgres() as url:
        yield url


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """BROKER_URL of a private Redis server."""
    required(shutil.which("redis-server") is not None, "Redis")
    with private_redis() as url:
        yield url
