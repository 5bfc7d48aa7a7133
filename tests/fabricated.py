"""People, faces and pictures that no camera took, for tests that are not about recognition itself."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import cv2
import numpy as np
import pytest
from django.db import connection

from detections.ingest import Receipt, Submission, accept, cameras_of
from detections.models import Camera, EdgeNode, Location
from people.models import Embedding, Person, Photo
from recognition.engine.faces import EmbeddedFace, Face, Image, Quality, Vector
from recognition.engine.pipeline import Pipeline
from recognition.loader import loader, pipeline

DIMENSION = 128
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def direction(seed: int) -> Vector:
    """A unit vector; those of different seeds are as good as perpendicular: nobody resembles anybody."""
    values = np.random.default_rng(seed).normal(size=DIMENSION)
    return (values / np.linalg.norm(values)).astype(np.float32)


def make_person(face_id: str, **fields: object) -> Person:
    basis = {"legal_basis": Person.LegalBasis.CONSENT, "legal_basis_date": date(2026, 1, 1)}
    return Person.objects.create(face_id=face_id, **basis | fields)


def enrol(face_id: str, seed: int, photos: int = 2, **fields: object) -> Person:
    """A person with accepted photos whose stored vectors all point in the direction of `seed`."""
    person = make_person(face_id, **fields)
    for index in range(photos):
        sha256 = hashlib.sha256(f"{face_id} {index}".encode()).hexdigest()
        photo = Photo.objects.create(person=person, sha256=sha256, explanation="Accepted.")
        vector = direction(seed).astype("<f4").tobytes()
        Embedding.objects.create(photo=photo, pack_id=pipeline().pack_id, vector=vector)
    return person


def make_camera(name: str = "gate", **fields: object) -> Camera:
    place, _ = Location.objects.get_or_create(name=f"Place of {name}")
    camera, _ = Camera.objects.get_or_create(id=name, defaults={"name": name, "location": place} | fields)
    return camera


def make_node(*cameras: Camera, key: object) -> EdgeNode:
    node = EdgeNode.objects.create(name="node")
    node.cameras.set(cameras)
    node.keys.add(key)
    return node


def plain_png(level: int = 0) -> bytes:
    """A small picture of one colour, different for each level below 32,768: so different that JPEG does not blur it."""
    colour = [8 * (level // 32**digit % 32) + 4 for digit in range(3)]
    return _png(np.full((32, 32, 3), colour, np.uint8))


def level_of(image: Image) -> int:
    """Of a plain picture, also after a lossy encoding."""
    return sum(int(value) // 8 * 32**digit for digit, value in enumerate(image[0, 0]))


def _png(image: Image) -> bytes:
    return cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1].tobytes()


def face(vector: Vector, box: tuple[float, float, float, float] = (4, 4, 28, 28)) -> EmbeddedFace:
    left, top, right, bottom = box
    middle = ((left + right) / 2, (top + bottom) / 2)
    return EmbeddedFace(Face(box, (middle,) * 5, 0.99), Quality(80.0, 100.0, 0.5, 1.0), vector)


def run_together(*works: Callable[[], object]) -> list[object]:
    """Run all at once, each in a thread with its own database connection; returns or raises what they did."""

    def run(work: Callable[[], object]) -> object:
        try:
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(works)) as pool:
        return [running.result() for running in [pool.submit(run, work) for work in works]]


class Eyes:
    """Stands in for detection and embedding: a picture shows whom the test says that it shows."""

    def __init__(self) -> None:
        self._shown: list[Sequence[EmbeddedFace]] = []

    def picture(self, *faces: EmbeddedFace) -> bytes:
        self._shown.append(faces)
        return plain_png(len(self._shown) - 1)

    def picture_of(self, *seeds: int) -> bytes:
        return self.picture(*(face(direction(seed)) for seed in seeds))

    def analyse(self, images: Sequence[Image], **options: object) -> list[list[EmbeddedFace]]:
        return [list(self._shown[level_of(image)]) for image in images]


@pytest.fixture
def eyes(monkeypatch: pytest.MonkeyPatch) -> Eyes:
    fabricated = Eyes()
    monkeypatch.setattr(Pipeline, "analyse", lambda _, images, **options: fabricated.analyse(images, **options))
    return fabricated


@pytest.fixture(autouse=True)
def fresh_loader() -> Iterator[None]:
    """Each test has its own database, so none may inherit the model that another one loaded."""
    loader.__init__()
    yield
    loader.__init__()


@pytest.fixture
def submit(operator_user: object) -> Callable[..., Receipt]:
    """Put one crop into the inbox, by default of camera `gate` at noon."""

    def send(image: bytes, **fields: object) -> Receipt:
        deliver = fields.pop("deliver", False)
        values = {"id": uuid4(), "camera": "gate", "captured_at": NOON, "image": image} | fields
        make_camera(values["camera"])
        receipt = accept([Submission(**values)], cameras_of(operator_user).in_bulk(), deliver=deliver)
        assert not receipt.rejected
        return receipt

    return send


@pytest.fixture
def operator_user(make_user: Callable[..., object]) -> object:
    return make_user("operator", "sender")


def later(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)
