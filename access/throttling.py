"""Limits what one sender may take of the API, so that a greedy one leaves room for the others.

Before the body of a request is read. How many crops it holds is known only afterwards: they are charged then, and the
next request waits for them.
"""

from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from access import buckets
from access.lockout import client_address
from access.models import ApiKey


class SenderThrottle(BaseThrottle):
    """Requests and crops per second, of a key or of a person's sessions."""

    def allow_request(self, request: Request, view: object) -> bool:
        sender, per_second = request.user, settings.MAX_KEY_REQUESTS_PER_SECOND
        if not isinstance(sender, ApiKey):
            per_second = settings.MAX_USER_REQUESTS_PER_SECOND
        requests = _bucket("requests", sender)
        self._wait = max(buckets.seconds_to_wait(requests), buckets.seconds_to_wait(_bucket("crops", sender)))
        if self._wait:
            return False
        if per_second:
            buckets.charge(requests, 1, per_second=per_second)
        return True

    def wait(self) -> float:
        return self._wait


def charge_crops(sender: User | ApiKey, count: int) -> None:
    """Note that a request held so many crops."""
    if settings.MAX_CROPS_PER_SECOND:
        buckets.charge(_bucket("crops", sender), count, per_second=settings.MAX_CROPS_PER_SECOND)


def charge_wrong_key(request: HttpRequest) -> None:
    """Note that an address has come with a key that opens nothing. Those whose key does never wait for it.

    Raises:
        Throttled: it does so all the time.
    """
    bucket = f"wrong key {client_address(request)}"
    wait = buckets.seconds_to_wait(bucket)
    if wait:
        raise Throttled(wait)
    if settings.MAX_WRONG_KEYS_PER_SECOND:
        buckets.charge(bucket, 1, per_second=settings.MAX_WRONG_KEYS_PER_SECOND)


def _bucket(what: str, sender: User | ApiKey) -> str:
    return f"{what} {type(sender).__name__} {sender.pk}"
