"""Which addresses webhooks may go to: public ones over HTTPS, and what the operator allows."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

import pytest
from django.core.exceptions import ImproperlyConfigured, ValidationError
from hypothesis import given
from hypothesis import strategies as st

from detections.webhooks.addresses import check_target, may_connect
from facesite import env

INTERNAL = (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
    "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
    "224.0.0.0/4", "240.0.0.0/4", "255.255.255.255/32",
    "::/128", "::1/128", "::/96", "::ffff:10.0.0.0/104", "::ffff:127.0.0.0/104", "64:ff9b::/96", "64:ff9b:1::/48",
    "100::/64", "2001::/32", "2001:20::/28", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fc00::/7",
    "fe80::/10", "fec0::/10", "ff00::/8",
)  # fmt: skip
PUBLIC = ("1.1.1.1", "8.8.8.8", "93.184.216.34", "192.0.1.1", "223.255.255.254", "2606:4700::1111", "2a00:1450::1")


@pytest.fixture(autouse=True)
def _loopback_is_allowed(settings: object) -> None:
    """Not here: the default."""
    settings.WEBHOOK_ALLOWED_NETWORKS = []


def addresses_in(network: IPv4Network | IPv6Network) -> st.SearchStrategy[str]:
    kind = IPv4Address if network.version == 4 else IPv6Address
    first, last = int(network.network_address), int(network.broadcast_address)
    return st.integers(first, last).map(kind).map(str)


@given(st.data())
def test_no_address_inside_is_ever_connected_to(data: st.DataObject) -> None:
    address = data.draw(st.sampled_from(INTERNAL).map(ip_network).flatmap(addresses_in))
    assert not may_connect(address, "https")
    assert not may_connect(address, "http")


@given(st.integers(0, 2**32 - 1).map(IPv4Address))
def test_an_ipv4_address_is_judged_alike_in_ipv6_clothes_and_never_reached_through_a_tunnel(at: IPv4Address) -> None:
    assert may_connect(f"::ffff:{at}", "https") == may_connect(str(at), "https")
    for tunnel in ("64:ff9b::", "64:ff9b:1::", "::"):
        assert not may_connect(f"{tunnel}{at}", "https")
    high, low = divmod(int(at), 2**16)
    assert not may_connect(f"2002:{high:x}:{low:x}::1", "https")


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_reached_over_https_alone(address: str) -> None:
    assert may_connect(address, "https")
    assert not may_connect(address, "http")


def test_the_operator_may_allow_networks_also_without_tls(settings: object) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = env.networks(["10.1.2.0/24", "fd00::5"])
    for scheme in ("http", "https"):
        assert may_connect("10.1.2.9", scheme)
        assert may_connect("::ffff:10.1.2.9", scheme)
        assert may_connect("fd00::5", scheme)
        assert not may_connect("10.1.3.9", scheme)
        assert not may_connect("fd00::6", scheme)


@pytest.mark.parametrize("text", ["10.1.2.3/24", "receiver.internal", ""])
def test_a_network_that_is_none_stops_the_start(text: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="WEBHOOK_ALLOWED_NETWORKS"):
        env.networks([text])


@pytest.mark.parametrize(
    "url",
    [
        "https://receiver.example/hook?a=b", "https://receiver.example:8443/", "https://1.1.1.1/",
        "https://[2606:4700::1111]/", "https://xn--bcher-kva.example/",
    ],
)  # fmt: skip
def test_a_sound_target_is_taken(url: str) -> None:
    check_target(url)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://receiver.example/", "https://"),
        ("ftp://receiver.example/", "begin with"),
        ("file:///etc/passwd", "begin with"),
        ("receiver.example", "begin with"),
        ("https:///path", "name a host"),
        ("https://user:secret@receiver.example/", "password"),
        ("https://user@receiver.example/", "password"),
        ("https://receiver.example:70000/", "not a valid address"),
        ("https://[::1/", "not a valid address"),
        ("https://127.0.0.1/", "not public"),
        ("https://[::1]/", "not public"),
        ("https://169.254.169.254/latest/meta-data/", "not public"),
        ("https://127.0.0.1\\.receiver.example/", "plain characters"),
        ("https://bücher.example/", "plain characters"),
        ("https://receiver.example/\r\nhost: inside", "plain characters"),
    ],
)
def test_a_hopeless_target_is_refused_when_it_is_entered(url: str, why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        check_target(url)


def test_http_may_be_entered_where_networks_are_allowed(settings: object) -> None:
    settings.WEBHOOK_ALLOWED_NETWORKS = env.networks(["10.0.0.0/8"])
    check_target("http://receiver:8080/hook")
    check_target("http://10.1.2.3/")
    with pytest.raises(ValidationError, match="not public"):
        check_target("http://192.168.0.1/")
