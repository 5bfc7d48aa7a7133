"""Fault 14. Somebody is erased while models are trained and crops of them wait: a minute later no byte is left."""

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import psycopg2
import pytest
import requests
from pytest_django.plugin import DjangoDbBlocker

from detections.models import Crop, Detection, FaceImage
from people.models import Embedding, Person, Photo
from recognition.engine import artifact
from recognition.models import ActiveModel, TrainedModel
from tests.conftest import required
from tests.faults.crowd import MODELS, PEOPLE, VICTIM
from tests.faults.lengths import bound, not_quick
from tests.faults.load import Load
from tests.faults.oracle import assert_nothing_lost
from tests.faults.pictures import pictures
from tests.faults.site import Site
from tests.servers import ObjectStorage, Postgres, Redis, postgres_bin, running, wait_until

ERASED_S = 60


@pytest.fixture(params=[pytest.param("deployed", marks=not_quick), "embedded"])
def crowded(request: pytest.FixtureRequest, tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> Iterator[Site]:
    """A site of the test's own: it looks at every byte of it."""
    with ExitStack() as stack:
        stack.enter_context(django_db_blocker.unblock())
        servers = []
        if request.param == "deployed":
            required(postgres_bin() is not None and shutil.which("redis-server") is not None, "PostgreSQL or Redis")
            servers = [stack.enter_context(running(kind)) for kind in (Postgres, Redis, ObjectStorage)]
        site = Site(tmp_path, servers)
        stack.enter_context(site.running())
        crowd = site.program("crowd", "python -m tests.faults.crowd", **site.signing)
        crowd.start()
        wait_until(lambda: not crowd.is_alive, "fifty people", bound(120))
        assert site.rows(Person).count() == PEOPLE, crowd.log.read_text()
        yield site


def parts(data: bytes) -> list[bytes]:
    """Pieces that only these data have: a store may split them, and JPEG files begin alike."""
    return [data[start : start + 32] for start in range(min(1000, len(data) // 2), len(data) - 32, 512)]


def traces_of(site: Site, person: Person) -> dict[str, list[bytes]]:
    """What is known of the person, by kind."""
    photo = site.rows(Photo).get(person=person)
    with site.storage.open(photo.file.name) as file:
        copy = file.read()
    faces = site.rows(FaceImage).filter(detection__person=person).values_list("jpeg", flat=True)
    waiting = site.rows(Crop).filter(image__isnull=False).values_list("image", flat=True)
    with site.storage.open(site.rows(ActiveModel).get().model.storage_name) as file:
        classifier = artifact.load(file.read()).classifier
    weights = classifier.weights[classifier.labels.index(person.label)].astype("<f4").tobytes()
    vector = bytes(site.rows(Embedding).get(photo=photo).vector)
    return {
        "photo": parts(copy),
        "vector": [vector[start : start + 16] for start in range(0, len(vector) - 16, 64)],
        "face": [part for face in faces for part in parts(bytes(face))],
        "crop": [part for image in waiting for part in parts(bytes(image))],
        "model": [weights[start : start + 16] for start in range(0, len(weights) - 16, 64)],
        "name": [VICTIM.encode()],
    }


def places_of(site: Site) -> Iterator[tuple[str, bytes]]:
    """Every byte that the site keeps, by where."""
    if site.servers:
        database = site.environment["DATABASE_URL"]
        dump = subprocess.run([postgres_bin() / "pg_dump", database], check=True, capture_output=True).stdout
        yield "table", dump
        client = site.server(Redis).client
        yield "message", b"".join(client.dump(key) or b"" for key in client.scan_iter())
    for path in site.folder.rglob("*"):
        kind = "log" if path.suffix == ".log" else "table" if "sqlite3" in path.name else "file"
        if path.is_file() and "static" not in path.parts:
            yield kind, _read(path)
    for name in site.files:
        yield "object", name.encode() + _object(site, name)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:  # a message that was taken meanwhile
        return b""


def _object(site: Site, name: str) -> bytes:
    try:
        with site.storage.open(name) as file:
            return file.read()
    except FileNotFoundError:  # a model that was superseded meanwhile
        return b""


def found(site: Site, traces: Mapping[str, list[bytes]]) -> set[tuple[str, str]]:
    """Which kind of trace is where. A dump shows binary columns in hexadecimal."""
    return {
        (kind, where)
        for where, content in places_of(site)
        for kind, pieces in traces.items()
        if any(piece in content or piece.hex().encode() in content for piece in pieces)
    }


def test_a_minute_after_an_erasure_no_byte_is_left(crowded: Site, measured: Callable[..., None]) -> None:
    site = crowded
    person = site.rows(Person).get(face_id=VICTIM)
    load = Load(site.url, site.key, pictures=pictures()[1:2])
    load.send(8)
    assert_nothing_lost(site, load, seconds=bound(60))
    assert site.rows(Detection).filter(person=person).exists(), "nobody was recognised"
    site.freeze(site.recognition)
    load.send(8)
    traces = traces_of(site, person)
    assert site.rows(TrainedModel).filter(retired_at=None, labels__label=person.label).count() >= MODELS
    assert all(traces.values())
    assert {kind for kind, _ in found(site, traces)} == set(traces), "the search finds what is there"

    trainer = site.program("trainer-0", "python -m tests.faults.trainer 30 0", **site.signing)
    trainer.start()
    wait_until(lambda: '"generation"' in trainer.log.read_text(), "a training", bound(60))
    headers = {"Authorization": f"Bearer {site.key}"}
    requests.post(f"{site.url}/api/v1/model/optimized-train", headers=headers, timeout=30).raise_for_status()
    started = time.monotonic()
    answer = requests.delete(f"{site.url}/api/v1/dataset/{VICTIM}", headers=headers, timeout=60)
    assert answer.status_code == 200, answer.text
    answered = time.monotonic() - started
    site.recognition.thaw()
    left: set[tuple[str, str]] = set()

    def gone() -> bool:
        left.clear()
        left.update(found(site, traces))
        return not left

    try:
        wait_until(gone, "nothing left", bound(ERASED_S))
    except TimeoutError:
        pytest.fail(f"a minute later there is still {sorted(left)}")
    erased = time.monotonic() - started
    trainer.kill()
    serving = site.rows(ActiveModel).get().model
    assert serving.people_count == PEOPLE - 1
    assert gone(), left
    measured(answered_s=answered, erased_after_s=erased, **answer.json()["erased"])
    if site.servers:
        _look_at_the_disk(site, traces, measured)


def _look_at_the_disk(site: Site, traces: Mapping[str, list[bytes]], measured: Callable[..., None]) -> None:
    """PostgreSQL clears pages when it vacuums them, and its log when it writes over it: the former can be had now."""
    data = site.server(Postgres)._cwd / "data"
    with psycopg2.connect(site.environment["DATABASE_URL"]) as connection:
        pass
    connection.autocommit = True
    with connection.cursor() as cursor:
        for command in ("VACUUM FULL", "CHECKPOINT"):
            cursor.execute(command)
    connection.close()
    pages, log = (b"".join(map(_read, filter(Path.is_file, (data / part).rglob("*")))) for part in ("base", "pg_wal"))
    on_pages = {kind for kind, pieces in traces.items() if any(piece in pages for piece in pieces)}
    measured(in_postgres_log=sum(any(piece in log for piece in pieces) for pieces in traces.values()))
    assert on_pages == set()
