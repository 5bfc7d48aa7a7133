"""The spans of OpenTelemetry traces (requirements-traces.txt).

The id of a crop's trace is the crop's own id, which edge node, web process and worker know anyway: nothing has to
travel with a crop, or be stored, for its spans to come together. The root is its way from the camera to the server.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from datetime import datetime
from functools import cache
from uuid import UUID

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_root_of: ContextVar[UUID | None] = ContextVar("root_of", default=None)
_HALF = 2**64 - 1


class _Ids(RandomIdGenerator):
    """Random, but for the root of a crop's trace."""

    def generate_trace_id(self) -> int:
        crop = _root_of.get()
        return crop.int if crop else super().generate_trace_id()

    def generate_span_id(self) -> int:
        crop = _root_of.get()
        return crop.int & _HALF if crop else super().generate_span_id()


@cache
def provider() -> TracerProvider:
    """Of this process: not asked for before a fork. Exporters are added to it."""
    # Its guess of the resource would ask the machine for more than anybody needs to know.
    return TracerProvider(resource=Resource({SERVICE_NAME: "facesite"}), id_generator=_Ids())


@cache
def _tracer() -> trace.Tracer:
    return provider().get_tracer("facesite")


def export() -> None:
    """Over OTLP, to where the usual OTEL_EXPORTER_OTLP_… variables say."""
    provider().add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))


@contextmanager
def of_request(name: Callable[[], str], headers: Mapping[str, str]) -> Iterator[None]:
    # By the small name of the header, which the propagator looks for.
    asking = TraceContextTextMapPropagator().extract({key.lower(): value for key, value in headers.items()})
    with _tracer().start_as_current_span("request", asking, trace.SpanKind.SERVER) as span:
        yield
        span.update_name(name())


@contextmanager
def of_crops(name: str, ids: Iterable[UUID]) -> Iterator[None]:
    here = trace.get_current_span().get_span_context()
    links = [trace.Link(here)] if here.is_valid else []
    with ExitStack() as spans:
        for crop in ids:
            span = _tracer().start_span(name, _within(crop), attributes={"facesite.crop": str(crop)}, links=links)
            spans.callback(span.end)
        yield


def root(crop: UUID, captured_at: datetime, received_at: datetime) -> None:
    token = _root_of.set(crop)
    begin, end = (int(at.timestamp() * 1e9) for at in (captured_at, received_at))
    try:
        span = _tracer().start_span("edge", Context(), attributes={"facesite.crop": str(crop)}, start_time=begin)
        span.end(end)
    finally:
        _root_of.reset(token)


def _within(crop: UUID) -> Context:
    """Under the root of a crop's trace, which another process may have told of."""
    sampled = trace.TraceFlags(trace.TraceFlags.SAMPLED)
    found = trace.SpanContext(crop.int, crop.int & _HALF, is_remote=True, trace_flags=sampled)
    return trace.set_span_in_context(trace.NonRecordingSpan(found), Context())
