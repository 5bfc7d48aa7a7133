"""A receiver, a server row that points to it, and a way to have somebody seen."""

from collections.abc import Callable, Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest

from detections.models import Detection, ExternalServer
from detections.processing import process_batch
from people.training import train
from tests.delivery.receiver import Receiver
from tests.fabricated import Eyes, enrol, eyes, fresh_loader, operator_user, submit

__all__ = ["eyes", "fresh_loader", "operator_user", "submit"]

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture(autouse=True)
def _loopback_is_allowed(settings: object) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    it = Receiver()
    server = it.start()
    yield it
    server.shutdown()
    server.server_close()


@pytest.fixture
def external(db: None, receiver: Receiver) -> ExternalServer:
    return ExternalServer.objects.create(name="outside", url=f"{receiver.url}/hook", secret=SECRET)


@pytest.fixture
def see(eyes: Eyes, submit: Callable[..., object], storage: Path) -> Callable[..., Detection]:
    """Ada (seed 1) is enrolled; have the face of a seed seen, by default hers, and its result sent."""
    enrol("ada", 1)
    train()

    def one(seed: int = 1, *, deliver: bool = True, **fields: object) -> Detection:
        crop = submit(eyes.picture_of(seed), deliver=deliver, **fields).accepted[0]
        process_batch()
        return Detection.objects.get(crop_id=crop)

    return one
