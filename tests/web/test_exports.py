"""Detections and tracks as files: filtered as on the page, bounded, on record."""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from access.models import AuditEntry
from detections.models import Search, Track
from detections.pages import sightings
from tests.fabricated import make_camera, make_person
from tests.web.sightings import detect, text

pytestmark = pytest.mark.django_db


def download(client: Client, name: str, **query: str) -> str:
    answer = client.get(f"/export/{name}", query)
    assert answer.status_code == 200
    assert f'attachment; filename="{name.partition(".")[0]}-' in answer.headers["Content-Disposition"]
    return b"".join(answer.streaming_content).decode()


def as_rows(file: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(file)))


def test_both_formats_hold_what_the_filters_let_through(viewer: Client) -> None:
    newest = detect(make_person("Ada, “Countess”"))
    detect(None, timedelta(hours=1), "lab")
    for rows in (as_rows(download(viewer, "detections.csv")), json.loads(download(viewer, "detections.json"))):
        assert [row["face_id"] or None for row in rows] == ["Ada, “Countess”", None]
        assert (rows[0]["id"], rows[0]["captured_at"]) == (str(newest.pk), newest.captured_at.isoformat())
        assert rows[1]["location"] == "Place of lab"
    assert len(as_rows(download(viewer, "detections.csv", camera="lab"))) == 1
    assert json.loads(download(viewer, "detections.json", camera="lab", known="true")) == []


def test_tracks_are_exported_with_when_they_ended(viewer: Client) -> None:
    now = timezone.now()
    Track.objects.create(camera=make_camera(), key="t", detection_count=4, captured_at=now, ended_at=now)
    (row,) = as_rows(download(viewer, "tracks.csv"))
    assert (row["detections"], row["ended_at"]) == ("4", now.isoformat())


def test_a_name_is_no_formula(viewer: Client) -> None:
    detect(make_person('=HYPERLINK("http://x")'))
    assert as_rows(download(viewer, "detections.csv"))[0]["face_id"] == '\'=HYPERLINK("http://x")'
    assert json.loads(download(viewer, "detections.json"))[0]["face_id"] == '=HYPERLINK("http://x")'


def test_an_export_is_read_in_chunks_each_row_once_and_ends(viewer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sightings, "_CHUNK", 2)
    monkeypatch.setattr(sightings, "EXPORTED", 6)
    made = [str(detect(None, timedelta(minutes=number)).pk) for number in range(5)]
    assert [row["id"] for row in as_rows(download(viewer, "detections.csv"))] == made
    made += [str(detect(None, timedelta(minutes=number)).pk) for number in range(5, 9)]
    assert [row["id"] for row in as_rows(download(viewer, "detections.csv"))] == made[:6]


@pytest.mark.parametrize("name", ["detections.xml", "people.csv", "detections.CSV"])
def test_there_is_no_other_export(viewer: Client, name: str) -> None:
    assert viewer.get(f"/export/{name}").status_code == 404


def test_a_filter_that_cannot_be_understood_exports_nothing(viewer: Client) -> None:
    answer = viewer.get("/export/detections.csv", {"since": "yesterday"})
    assert answer.status_code == 400
    assert "a filter cannot be understood" in text(answer)


def test_who_exported_what_is_on_record(viewer: Client) -> None:
    detect(make_person("ada"))
    download(viewer, "detections.json", face_id="ada", since="2020-01-01T00:00")
    entry = AuditEntry.objects.get(action="export")
    assert (entry.actor, entry.kind, entry.details) == (
        "viewer", "detections", {"format": "json", "filters": ["face_id", "since"]},
    )  # fmt: skip
    assert Counter(Search.objects.values_list("means", "person__face_id")) == {("export", "ada"): 1}


def test_an_export_that_cannot_begin_is_an_answer_of_the_site(viewer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> Iterator[tuple]:
        raise OperationalError
        yield

    monkeypatch.setattr(sightings, "_exported", fail)
    viewer.raise_request_exception = False
    assert viewer.get("/export/detections.csv").status_code == 503


def test_the_audit_log_names_filters_and_nothing_else(viewer: Client) -> None:
    download(viewer, "detections.csv", known="true", **{"ada\0": "1"})
    assert AuditEntry.objects.get(action="export").details["filters"] == ["known"]
