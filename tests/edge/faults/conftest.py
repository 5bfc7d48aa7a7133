"""A node beside two cameras, and the server it sends to."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from access.models import ApiKey
from detections.models import Camera, EdgeNode, Location
from tests.edge.conftest import KEY, FakeServer
from tests.edge.faults import scene
from tests.edge.faults.agent import Agent
from tests.edge.faults.site import Site


@pytest.fixture(scope="session")
def passage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video of people passing, to be looped."""
    return scene.write_video(tmp_path_factory.mktemp("passage") / "passage.mp4")


@pytest.fixture
def agent(server: FakeServer, tmp_path: Path, pack_folder: Path, passage: Path) -> Agent:
    """A node that sends to the fake server."""
    agent = Agent(tmp_path, pack_folder, server.url, KEY)
    agent.cameras = {"entrance": passage}
    return agent


@pytest.fixture
def site(transactional_db: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A real server."""
    site = Site(tmp_path_factory.mktemp("site"))
    try:
        site.start()
        yield site
    finally:
        site.kill()


@pytest.fixture
def site_agent(site: Site, tmp_path: Path, pack_folder: Path, passage: Path, make_key: Callable[..., str]) -> Agent:
    """A node that sends to the real server, from two cameras."""
    agent = Agent(tmp_path, pack_folder, site.url, make_key(ApiKey.Scope.EDGE))
    agent.cameras = {"entrance": passage, "exit": passage}
    node = EdgeNode.objects.create(name="box")
    node.keys.set(ApiKey.objects.all())
    place = Location.objects.create(name="Hall")
    node.cameras.set([Camera.objects.create(id=name, name=name, location=place) for name in agent.cameras])
    return agent
