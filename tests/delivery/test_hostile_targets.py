"""Whatever address is entered, and whatever its name stands for: nothing inside is connected to."""

import socket
from collections.abc import Callable, Iterator
from ipaddress import ip_network

import pycurl
import pytest

from detections.models import Delivery, Detection, ExternalServer
from detections.webhooks.delivering import deliver_due
from tests.delivery.conftest import SECRET
from tests.delivery.receiver import Inside, Receiver, serving

See = Callable[..., Detection]

# `inside.test` and the others are names that the test answers for.
HOSTILE = (
    "http://127.0.0.1:{port}/", "https://127.0.0.1:{port}/", "http://127.1:{port}/", "http://2130706433:{port}/",
    "http://0x7f000001:{port}/", "http://0x7f.1:{port}/", "http://0177.0.0.1:{port}/", "http://127.0.0.1.:{port}/",
    "http://127.0.0.53:{port}/", "http://0:{port}/", "http://0.0.0.0:{port}/", "https://0.0.0.0:{port}/",
    "http://localhost:{port}/", "https://localhost:{port}/", "http://localhost.:{port}/", "http://LOCALHOST:{port}/",
    "http://[::1]:{port}/", "https://[::1]:{port}/", "http://[::]:{port}/", "http://[0:0:0:0:0:0:0:1]:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/", "http://[::ffff:7f00:1]:{port}/", "http://[::127.0.0.1]:{port}/",
    "http://[64:ff9b::7f00:1]:{port}/", "http://[64:ff9b:1::7f00:1]:{port}/", "http://[2002:7f00:1::1]:{port}/",
    "http://[2001:0:7f00:1::]:{port}/", "http://[fe80::1%25lo]:{port}/", "http://[fc00::1]:{port}/",
    "http://{hostname}:{port}/", "http://10.0.0.1:{port}/", "http://169.254.169.254/latest/meta-data/",
    "http://100.64.0.1:{port}/", "http://224.0.0.1:{port}/", "http://user:secret@127.0.0.1:{port}/",
    "http://receiver.example@127.0.0.1:{port}/", "http://127.0.0.1:{port}\\@receiver.example/",
    "http://inside.test:{port}/", "https://inside.test:{port}/", "http://inside6.test:{port}/",
    "http://several.test:{port}/", "http://mapped.test:{port}/",
    "file:///etc/passwd", "gopher://127.0.0.1:{port}/_x", "dict://127.0.0.1:{port}/x", "ftp://127.0.0.1:{port}/",
    "ldap://127.0.0.1:{port}/", "telnet://127.0.0.1:{port}/", "http://", "//127.0.0.1:{port}/", "127.0.0.1:{port}",
)  # fmt: skip


@pytest.fixture
def inside() -> Iterator[Inside]:
    server = Inside()
    with serving(server):
        yield server


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """What names stand for, in libcurl's eyes: host and port, addresses."""
    known: dict[str, list[str]] = {}
    real = pycurl.Curl

    def curl() -> pycurl.Curl:
        one = real()
        entries = [f"{name}:{','.join(addresses)}" for name, addresses in known.items()]
        one.setopt(pycurl.RESOLVE, entries)
        return one

    monkeypatch.setattr(pycurl, "Curl", curl)
    return known


def listen_to(*urls: str) -> None:
    ExternalServer.objects.bulk_create(
        ExternalServer(name=f"hostile {index}", url=url, secret=SECRET) for index, url in enumerate(urls)
    )


def try_again() -> int:
    Delivery.objects.update(state=Delivery.State.PENDING, due_at="2020-01-01T00:00Z")
    ExternalServer.objects.update(paused_until=None)
    return deliver_due()


@pytest.fixture
def outside(db: None, settings: object) -> Iterator[Receiver]:
    """A receiver that is allowed, and nothing else of this machine is: it lives at an address of its own."""
    settings.WEBHOOK_ALLOWED_NETWORKS = [ip_network("127.0.0.2/32")]
    it = Receiver(host="127.0.0.2")
    try:
        server = it.start()
    except OSError:
        pytest.skip("this system has no 127.0.0.2")
    yield it
    server.shutdown()
    server.server_close()


def test_no_hostile_target_is_connected_to_and_none_holds_up_a_good_one(
    see: See, inside: Inside, outside: Receiver, names: dict[str, list[str]]
) -> None:
    port = inside.port
    names[f"inside.test:{port}"] = ["127.0.0.1"]
    names[f"inside6.test:{port}"] = ["[::1]"]
    names[f"several.test:{port}"] = ["203.0.113.1", "127.0.0.1", "[::1]"]
    names[f"mapped.test:{port}"] = ["[::ffff:127.0.0.1]"]
    listen_to(*(url.format(port=port, hostname=socket.gethostname()) for url in HOSTILE), f"{outside.url}/good")
    see()
    while Delivery.objects.filter(attempts=0).exists():
        deliver_due()
    assert inside.connections == []
    assert [path for path, _, _ in outside.requests] == ["/good"]
    assert Delivery.objects.filter(state=Delivery.State.DELIVERED).count() == 1
    refused = Delivery.objects.exclude(state=Delivery.State.DELIVERED)
    assert all(delivery.last_error for delivery in refused)
    assert refused.filter(last_error__contains="may not be connected to").count() >= 38
    with socket.create_connection(("127.0.0.1", port)):
        pass  # it was there all the time


def test_a_name_that_later_stands_for_an_address_inside_is_not_followed_there(
    see: See, inside: Inside, outside: Receiver, names: dict[str, list[str]]
) -> None:
    port = int(outside.url.rpartition(":")[2])
    names[f"moving.test:{port}"] = ["127.0.0.2"]
    listen_to(f"http://moving.test:{port}/")
    see()
    assert deliver_due() == 1
    assert len(outside.requests) == 1
    names[f"moving.test:{port}"] = ["127.0.0.1"]
    ExternalServer.objects.update(url=f"http://moving.test:{inside.port}/")
    names[f"moving.test:{inside.port}"] = ["127.0.0.1"]
    assert try_again() == 1
    assert inside.connections == []
    assert "127.0.0.1 may not be connected to" in Delivery.objects.get().last_error


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_the_inside_is_not_followed(see: See, inside: Inside, outside: Receiver, status: int) -> None:
    outside.statuses, outside.location = [status], f"http://127.0.0.1:{inside.port}/"
    listen_to(f"{outside.url}/")
    see()
    deliver_due()
    assert len(outside.requests) == 1
    assert inside.connections == []


def test_a_proxy_of_the_environment_is_not_used(
    see: See, outside: Receiver, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, receiver.url)
    listen_to(f"{outside.url}/direct")
    see()
    deliver_due()
    assert [path for path, _, _ in outside.requests] == ["/direct"]
    assert not [path for path, _, _ in receiver.requests if "/direct" in path]


def test_public_addresses_get_nothing_without_tls(see: See, outside: Receiver, names: dict[str, list[str]]) -> None:
    names["receiver.test:80"] = ["1.1.1.1"]
    listen_to("http://receiver.test/")
    see()
    deliver_due()
    assert Delivery.objects.get().last_error.startswith("1.1.1.1 may not be connected to (http)")
