"""With TRACES the spans of a crop come together from edge, web and worker, under its own id; without, nothing."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from django.core.checks import run_checks
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from rest_framework.test import APIClient

from access.models import ApiKey
from detections.processing import process_batch
from people.training import train
from recognition import spans
from tests.delivery.receiver import Receiver
from tests.fabricated import NOON, Eyes, enrol, eyes, fresh_loader, make_camera, make_node
from tests.ingest.posting import crop, post

__all__ = ["eyes", "fresh_loader"]

pytestmark = pytest.mark.django_db(transaction=True)

PROCESS = """
import django
django.setup()
from recognition import tracing
tracing.start()
with tracing.request(lambda: "GET /healthz", {}):
    pass
"""
ASKING = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture(scope="module")
def exporter() -> InMemorySpanExporter:
    exporter = InMemorySpanExporter()
    spans.provider().add_span_processor(SimpleSpanProcessor(exporter))
    return exporter


@pytest.fixture
def node(with_key: Callable[[ApiKey.Scope], APIClient]) -> APIClient:
    client = with_key(ApiKey.Scope.EDGE)
    make_node(make_camera("gate"), key=ApiKey.objects.get())
    return client


@pytest.fixture
def sent(node: APIClient, eyes: Eyes, exporter: InMemorySpanExporter) -> Callable[[], UUID]:
    def send() -> UUID:
        exporter.clear()
        enrol("Ada Lovelace", 1)
        train()
        sending = crop()
        assert post(node, [sending], {sending["id"]: eyes.picture_of(1)}).status_code == 202
        assert process_batch() == 1
        return UUID(sending["id"])

    return send


def test_a_crop_is_followed_from_the_camera_to_its_detection(
    sent: Callable[[], UUID], exporter: InMemorySpanExporter, settings: object
) -> None:
    settings.TRACES = True
    name = sent()
    of_crop = {span.name: span for span in exporter.get_finished_spans() if span.context.trace_id == name.int}
    assert of_crop.keys() == {"edge", "accept", "recognise"}
    edge = of_crop.pop("edge")
    assert edge.parent is None
    assert edge.start_time == NOON.timestamp() * 1e9
    assert {span.parent.span_id for span in of_crop.values()} == {edge.context.span_id}
    (request,) = [span for span in exporter.get_finished_spans() if span.name.startswith("POST")]
    assert request.name == "POST /api/v1/face-recognition/store-results"
    assert of_crop["accept"].links[0].context.span_id == request.context.span_id
    assert "Lovelace" not in "".join(span.to_json() for span in exporter.get_finished_spans())


def test_a_request_joins_the_trace_of_whoever_asks(
    node: APIClient, exporter: InMemorySpanExporter, settings: object
) -> None:
    settings.TRACES = True
    exporter.clear()
    node.get("/api/v1/cameras", headers={"traceparent": ASKING})
    (span,) = exporter.get_finished_spans()
    assert f"{span.context.trace_id:032x}" == ASKING.split("-")[1]


def test_a_process_sends_its_spans_to_a_collector(tmp_path: Path) -> None:
    collector = Receiver()
    with collector.start() as server:
        told = {"TRACES": "true", "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "DATA_DIR": str(tmp_path)}
        environment = os.environ | {"DJANGO_SETTINGS_MODULE": "facesite.settings"} | told
        subprocess.run([sys.executable, "-c", PROCESS], env=environment, check=True, timeout=60)
        server.shutdown()
    ((path, _, body),) = collector.requests
    assert path == "/v1/traces"
    (sent,) = ExportTraceServiceRequest.FromString(body).resource_spans
    assert [span.name for scope in sent.scope_spans for span in scope.spans] == ["GET /healthz"]
    assert [(one.key, one.value.string_value) for one in sent.resource.attributes] == [("service.name", "facesite")]


def test_without_the_setting_there_are_none(sent: Callable[[], UUID], exporter: InMemorySpanExporter) -> None:
    sent()
    assert exporter.get_finished_spans() == ()


def test_the_setting_without_the_library_is_an_error(settings: object, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.TRACES = True
    monkeypatch.setattr("facesite.checks.find_spec", lambda _: None)
    assert "facesite.E003" in {found.id for found in run_checks()}
