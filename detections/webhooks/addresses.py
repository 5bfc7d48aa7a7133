"""Where webhooks may go: public addresses over HTTPS, and the networks that the operator allows.

Whoever may enter an address in the admin, or answers for its name in the DNS, must not reach what only this machine
reaches. So `may_connect` is asked about the very address that a socket is about to be connected to, each time; what
`check_target` says when an address is entered is for the one who enters it.
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError

# What Python's `is_global` lets through, in one version or another, and what leads from IPv6 into IPv4 networks.
_NOT_PUBLIC = tuple(
    ip_network(block)
    for block in (
        "0.0.0.0/8",  # this host
        "100.64.0.0/10",  # carrier-grade NAT
        "192.0.0.0/24",  # protocol assignments
        "192.88.99.0/24",  # 6to4 relays
        "198.18.0.0/15",  # benchmarks
        "2001::/23",  # protocol assignments: Teredo, ORCHID and others
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)
# All that is handed out to the public so far. Outside lie NAT64, unique local, link-local, site-local and multicast.
_PUBLIC_IPV6 = IPv6Network("2000::/3")


def may_connect(address: str, scheme: str) -> bool:
    """Whether a webhook of this scheme may be sent to this IP address."""
    at = _plain(address)
    return _is_allowed(at) or (scheme == "https" and _is_public(at))


def check_target(url: str) -> None:
    """Refuses an address that could never be delivered to.

    Raises:
        ValidationError: it is not an absolute HTTP(S) address, holds a password, or names an IP address that webhooks
            may not go to.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ValidationError("This is not a valid address.") from error
    if parts.scheme not in {"http", "https"} or not host:
        raise ValidationError("The address must begin with https:// (or http://) and name a host.")
    if "@" in parts.netloc:
        raise ValidationError("The address must not hold a user name or password: the signature says who sends.")
    if not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        raise ValidationError("Write the address in plain characters (an international name as xn--…).")
    if parts.scheme == "http" and not settings.WEBHOOK_ALLOWED_NETWORKS:
        raise ValidationError("Only https:// keeps what is sent from others; http:// needs WEBHOOK_ALLOWED_NETWORKS.")
    try:
        at = ip_address(host)
    except ValueError:
        return  # a name: what it stands for is looked at when it is connected to
    if not may_connect(str(at), parts.scheme):
        raise ValidationError(f"{host} may not be connected to: it is not public, nor in WEBHOOK_ALLOWED_NETWORKS.")


def _plain(address: str) -> IPv4Address | IPv6Address:
    """An IPv4 address in IPv6 clothes (::ffff:10.0.0.1) is judged as what it stands for."""
    at = ip_address(address)
    return (at.ipv4_mapped or at) if isinstance(at, IPv6Address) else at


def _is_allowed(at: IPv4Address | IPv6Address) -> bool:
    networks: Sequence[IPv4Network | IPv6Network] = settings.WEBHOOK_ALLOWED_NETWORKS
    return any(at in network for network in networks)


def _is_public(at: IPv4Address | IPv6Address) -> bool:
    if isinstance(at, IPv6Address) and at not in _PUBLIC_IPV6:
        return False
    return at.is_global and not at.is_multicast and not at.is_reserved and not any(at in net for net in _NOT_PUBLIC)
