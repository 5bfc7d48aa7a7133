"""Installations to break, one of each kind for the whole folder; the marks and the figures of these tests."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from pytest_django.plugin import DjangoDbBlocker

from tests.conftest import required
from tests.faults.lengths import QUICK, SHARE, not_quick
from tests.faults.site import Site
from tests.link import link_to
from tests.servers import ObjectStorage, Postgres, Redis, postgres_bin, running

FOLDER = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)  # before anything selects or groups by marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if FOLDER in item.path.parents:
            item.add_marker(pytest.mark.slow)
            item.add_marker(pytest.mark.xdist_group("faults"))
            item.add_marker(pytest.mark.timeout(900 + 3600 * SHARE))
            chosen = item.get_closest_marker("quick_on")
            if chosen and QUICK and item.callspec.params["site"] not in chosen.args:
                item.add_marker(not_quick)


def pytest_terminal_summary(terminalreporter: object) -> None:
    """What `make faults` measured."""
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", ()):
                if report.when == "call":
                    terminalreporter.write_line(f"{report.nodeid.rpartition('/')[2]}: {name}: {value}")


@pytest.fixture(scope="package")
def deployed_site(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker) -> Iterator[Site]:
    required(postgres_bin() is not None and shutil.which("redis-server") is not None, "PostgreSQL or Redis")
    with ExitStack() as stack:
        stack.enter_context(django_db_blocker.unblock())
        servers = [stack.enter_context(running(kind)) for kind in (Postgres, Redis, ObjectStorage)]
        storage_link, url = stack.enter_context(link_to(servers[-1].url))
        site = Site(tmp_path_factory.mktemp("deployed"), servers, STORAGE_URL=url)
        site.storage_link = storage_link
        stack.enter_context(site.running())
        yield site


@pytest.fixture(scope="package")
def embedded_site(tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("embedded"))
    with django_db_blocker.unblock(), site.running():
        yield site


@pytest.fixture
def deployed(deployed_site: Site) -> Site:
    """PostgreSQL, Redis, S3, and a worker for each queue: all there, whatever the last test did to it."""
    deployed_site.start()
    return deployed_site


@pytest.fixture
def embedded(embedded_site: Site) -> Site:
    """SQLite, a folder of messages, a folder of files, one worker."""
    embedded_site.start()
    return embedded_site


@pytest.fixture(params=["deployed", "embedded"])
def site(request: pytest.FixtureRequest) -> Site:
    """Both, one after the other."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def measured(record_property: Callable[[str, object], None]) -> Callable[..., None]:
    """Note a figure for docs/reliability.md: it is printed at the end of the run."""

    def note(**figures: object) -> None:
        for name, value in figures.items():
            record_property(name, round(value, 2) if isinstance(value, float) else value)

    return note
