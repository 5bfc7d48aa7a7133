"""One JSON shape for every error of the API, after RFC 9457: type, title, detail, and errors by field."""

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import exceptions, serializers
from rest_framework.response import Response
from rest_framework.views import exception_handler as default_handler

CONTENT_TYPE = "application/problem+json"


class Problem(exceptions.APIException):
    """An error with a status, a machine-readable type and words for people; `extra` joins the body as it is."""

    def __init__(self, status: int, kind: str, title: str, detail: str, **extra: object) -> None:
        super().__init__(detail, kind)
        self.status_code, self.kind, self.title, self.extra = status, kind, title, extra
        self.wait = extra.pop("retry_after", None)


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "An error",
            status_codes=["400", "409", "413", "422", "429", "503", "507"],
            value={
                "type": "invalid",
                "title": "Invalid request",
                "detail": "legal_basis_date: This field is required.",
                "errors": {"legal_basis_date": ["This field is required."]},
            },
        )
    ]
)
class ProblemSerializer(serializers.Serializer):
    """The error shape, for the OpenAPI schema."""

    type = serializers.CharField(help_text="Machine-readable kind of error.")
    title = serializers.CharField()
    detail = serializers.CharField(help_text="What is wrong and what to do.")
    errors = serializers.DictField(child=serializers.ListField(child=serializers.CharField()), required=False)


def body(kind: str, title: str, detail: str, **extra: object) -> dict:
    return {"type": kind, "title": title, "detail": detail, **extra}


def problem_response(
    status: int, kind: str, title: str, detail: str, *, retry_after: int | None = None
) -> JsonResponse:
    """The same shape from outside Django REST framework (middleware, error handlers). `retry_after`: in seconds."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return JsonResponse(body(kind, title, detail), status=status, content_type=CONTENT_TYPE, headers=headers)


def exception_handler(error: Exception, context: dict) -> Response | None:
    """Turn whatever a view raised into the error shape; None (a bug) becomes a 500 by Django."""
    if isinstance(error, Http404):
        error = exceptions.NotFound("There is nothing here: check the id in the address.")
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    elif isinstance(error, RequestDataTooBig):
        error = Problem(413, "too-large", "Request too large", "The fields beside the images are too large.")
    elif isinstance(error, SuspiciousOperation):
        error = exceptions.ParseError(str(error))
    elif isinstance(error, RecursionError):  # only parsing recurses here, over JSON of a thousand levels
        error = exceptions.ParseError("The request body is nested too deeply.")
    response = default_handler(error, context)
    if response is None:
        return None
    if isinstance(error, Problem):
        response.data = body(error.kind, error.title, str(error.detail), **error.extra)
    elif isinstance(error, exceptions.ValidationError):
        errors = by_field(error.detail)
        first = next((f"{field}: {texts[0]}" for field, texts in errors.items()), "The request is not valid.")
        response.data = body("invalid", "Invalid request", first, errors=errors)
    else:
        title = type(error).__name__
        response.data = body(error.default_code.replace("_", "-"), _words(title), str(error.detail))
    response.content_type = CONTENT_TYPE
    return response


def by_field(detail: object, path: str = "") -> dict[str, list[str]]:
    """Flatten nested validation errors to `field.0.sub: [texts]`."""
    if isinstance(detail, dict):
        pairs = detail.items()
    elif isinstance(detail, list) and any(isinstance(item, dict | list) for item in detail):
        pairs = enumerate(detail)
    else:
        texts = detail if isinstance(detail, list) else [detail]
        return {path or "request": [str(text) for text in texts]} if texts else {}
    flat: dict[str, list[str]] = {}
    for key, value in pairs:
        flat |= by_field(value, f"{path}.{key}" if path else str(key))
    return flat


def _words(name: str) -> str:
    """`NotFound` → `Not found`."""
    return "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name).strip().capitalize()


@csrf_exempt
def not_found(request: HttpRequest, exception: Exception | None = None) -> JsonResponse:
    return problem_response(404, "not-found", "Not found", "There is nothing at this address. See /api/docs/.")
