from collections.abc import Iterator
from uuid import uuid4

import pytest
from django.conf import LazySettings

from facesite import env
from tests.fabricated import eyes, fresh_loader, operator_user, submit
from tests.link import Link, link_to
from tests.servers import private_s3

__all__ = ["eyes", "fresh_loader", "operator_user", "submit"]


@pytest.fixture(scope="package")
def s3_server() -> Iterator[str]:
    with private_s3() as url:
        yield url


@pytest.fixture
def bucket(s3_server: str, settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> str:
    """STORAGE_URL of the bucket in which the site has its storage."""
    _store_in(s3_server, settings, monkeypatch)
    return s3_server


@pytest.fixture
def link(s3_server: str, settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Link]:
    """The site has its storage in a bucket behind this link, under a prefix of the test's own."""
    with link_to(s3_server.replace("/site?", f"/{uuid4()}?")) as (link, url):
        _store_in(url, settings, monkeypatch)
        yield link


def _store_in(url: str, settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    settings.STORAGES = settings.STORAGES | {"default": env.storage(url)}
