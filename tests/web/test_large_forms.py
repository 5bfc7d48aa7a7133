"""Nobody makes the server read and keep what it has no use for: strangers least of all."""

import io

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db

MIB = 2**20


class Body(io.BytesIO):
    """Of so many MiB in a multipart form; counts what was read of it."""

    def __init__(self, size: int) -> None:
        head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
        super().__init__(head + bytes(size * MIB) + b"\r\n--x--\r\n")
        self.length = str(len(self.getvalue()))

    def sent(self, client: Client, path: str) -> int:
        client.cookies["csrftoken"] = "a" * 32
        extra = {"CONTENT_LENGTH": self.length, "CONTENT_TYPE": "multipart/form-data; boundary=x", "wsgi.input": self}
        return client.generic("POST", path, **extra).status_code


@pytest.mark.parametrize("path", ["/login/", "/", "/people/", "/logout/", "/health/again/", "/nowhere/"])
def test_a_form_is_small(path: str) -> None:
    body = Body(2)
    assert body.sent(Client(), path) == 413
    assert body.tell() == 0


@pytest.mark.parametrize("path", ["/admin/people/person/add/", "/admin/people/import/add/", "/detections/photo/"])
def test_of_strangers_not_even_photos_are_read(path: str) -> None:
    body = Body(2)
    assert body.sent(Client(enforce_csrf_checks=True), path) == 302
    assert body.tell() == 0


def test_whoever_is_logged_in_still_needs_a_token_that_is_theirs(operator: Client) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = operator.cookies
    assert strict.post("/admin/people/person/add/", {}).status_code == 403
