"""Every error of the API is the same JSON shape, whoever raised it."""

import pytest
from django.http import HttpResponse
from rest_framework.test import APIClient

from access.roles import Role
from detections.api.asking import GetResults
from tests.photographs import upload


def check(answer: HttpResponse, status: int, kind: str) -> dict:
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    body = answer.json()
    assert body["type"] == kind
    assert body["title"]
    assert body["detail"]
    return body


@pytest.mark.parametrize("path", ["nowhere", "dataset/", "dataset/a/b/c", "../v2/dataset", "models/abc", "jobs/1"])
@pytest.mark.parametrize("method", ["get", "post", "delete"])
def test_an_unknown_address_is_a_404(operator: APIClient, path: str, method: str) -> None:
    check(getattr(operator, method)(f"/api/v1/{path}"), 404, "not-found")


def test_an_unknown_address_says_so_to_anonymous_senders_too() -> None:
    client = APIClient(enforce_csrf_checks=True)
    check(client.post("/api/v1/nowhere", {}), 404, "not-found")


@pytest.mark.parametrize("path", ["detections/00000000-0000-0000-0000-000000000001", "models/1", "dataset/nobody"])
def test_a_missing_thing_is_a_404(operator: APIClient, path: str) -> None:
    check(operator.get(f"/api/v1/{path}"), 404, "not-found")


def test_text_that_is_none_is_quoted_all_the_same(operator: APIClient) -> None:
    half_a_pair = r'{"legal_basis": "\ud800", "legal_basis_date": "2026-01-01"}'
    answer = operator.generic("POST", "/api/v1/dataset/ada", half_a_pair, content_type="application/json")
    assert "\ud800" in check(answer, 400, "invalid")["errors"]["legal_basis"][0]


@pytest.mark.parametrize(
    ("method", "path"),
    [("put", "dataset/a"), ("delete", "models"), ("get", "model/train"), ("get", "face-recognition/get-results")],
)
def test_another_method_is_a_405(as_role: object, method: str, path: str) -> None:
    answer = getattr(as_role(Role.ADMIN), method)(f"/api/v1/{path}")
    check(answer, 405, "method-not-allowed")
    assert answer["Allow"]


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("dataset/ada", "text/xml"),
        ("dataset/ada", "multipart/form-data; boundary=x"),
        ("face-recognition/get-results", "application/json"),
        ("face-recognition/store-results", "image/jpeg"),
        ("dataset/ada/image", "application/x-www-form-urlencoded"),
    ],
)
def test_another_content_type_is_a_415(operator: APIClient, path: str, content_type: str) -> None:
    check(operator.generic("POST", f"/api/v1/{path}", b"x", content_type=content_type), 415, "unsupported-media-type")


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 100_000])
def test_invalid_json_is_a_400(operator: APIClient, body: bytes) -> None:
    answer = operator.generic("POST", "/api/v1/dataset/ada", body, content_type="application/json")
    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"]


@pytest.mark.parametrize("body", [b"[]", b"3", b'"text"', b"null"])
def test_json_of_another_kind_is_a_400(operator: APIClient, body: bytes) -> None:
    answer = operator.generic("POST", "/api/v1/dataset/ada", body, content_type="application/json")
    check(answer, 400, "invalid")


def test_field_errors_come_by_field(operator: APIClient) -> None:
    body = check(operator.post("/api/v1/dataset/ada", {"legal_basis": "x"}), 400, "invalid")
    assert set(body["errors"]) == {"legal_basis", "legal_basis_date"}
    assert all(isinstance(text, str) for texts in body["errors"].values() for text in texts)


@pytest.mark.parametrize("body", [b"", b"--x\r\nnonsense", b"--x--"])
def test_malformed_multipart_is_a_400(operator: APIClient, body: bytes) -> None:
    content_type = "multipart/form-data; boundary=x"
    answer = operator.generic("POST", "/api/v1/face-recognition/get-results", body, content_type=content_type)
    check(answer, 400, "invalid")


def test_without_a_key_it_is_a_401(db: None) -> None:
    answer = APIClient().get("/api/v1/dataset")
    check(answer, 401, "not-authenticated")
    assert answer["WWW-Authenticate"] == "Bearer"


def test_without_the_right_role_it_is_a_403(as_role: object) -> None:
    body = check(as_role(Role.VIEWER).post("/api/v1/model/train"), 403, "permission-denied")
    assert "role" in body["detail"]


def test_a_browser_session_without_a_csrf_token_may_not_change_anything(make_user: object) -> None:
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(make_user(Role.OPERATOR))
    check(client.post("/api/v1/model/train"), 403, "permission-denied")


def test_a_key_needs_no_csrf_token(make_key: object) -> None:
    client = APIClient(enforce_csrf_checks=True)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {make_key('operator')}")
    assert client.post("/api/v1/model/train").status_code == 202


def test_a_bug_shows_no_secrets(operator: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a secret")

    monkeypatch.setattr(GetResults, "post", broken)
    operator.raise_request_exception = False
    answer = operator.post("/api/v1/face-recognition/get-results", upload(b"x"), format="multipart")
    assert answer.status_code == 500
    assert b"secret" not in answer.content
