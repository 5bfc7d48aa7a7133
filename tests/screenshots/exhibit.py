"""Fills an empty installation with what a site of four places looks like after two weeks. Run by `make screenshots`.

Two faces are public-domain portraits that installed packages carry; all others are drawn, and their names made up.
"""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

import numpy as np
from django.contrib.auth.models import Group
from django.utils import timezone

from access.models import ApiKey
from access.roles import Role
from detections import lastseen
from detections.models import (
    Camera,
    CameraSettings,
    CameraStatus,
    Crop,
    Delivery,
    Detection,
    EdgeNode,
    ExternalServer,
    FaceImage,
    FloorPlan,
    Location,
    Track,
)
from facesite.demo_video import CUTOUTS, enrolment_photos, portraits
from people.enrolment import add_photo
from people.models import Embedding, Person, Photo
from people.training import train
from recognition import storage
from recognition.engine.faces import Image
from recognition.engine.images import encode_jpeg
from recognition.loader import pipeline
from recognition.models import Job, TrainedModel
from tests.screenshots.drawing import as_seen, floor_plan, portrait

DAYS = 14
MB, GB = 2**20, 2**30
PLACES = {
    "Main building": ("Offices, reception and laboratory", 52.5206, 13.3862),
    "Warehouse": ("Deliveries, 6 to 18 h", 52.5191, 13.3891),
    "Car park": ("Behind the barrier", 52.5197, 13.3842),
    "Gatehouse": ("Visitors come in here", 52.5213, 13.3838),
}
# id, name, place, frames/s and faces/min (None: not heard yet), where on the plan of its place
CAMERAS = (
    ("entrance-inside", "Entrance, inside", "Main building", (6.0, 14.2), (0.2, 0.72)),
    ("entrance-outside", "Entrance, outside", "Main building", (5.9, 9.7), (0.1, 0.86)),
    ("reception-desk", "Reception desk", "Main building", (6.0, 6.1), (0.47, 0.78)),
    ("corridor", "Office corridor", "Main building", (5.8, 3.4), (0.36, 0.42)),
    ("lab-door", "Laboratory door", "Main building", (6.0, 2.2), (0.72, 0.4)),
    ("gate", "Visitors' gate", "Gatehouse", (5.7, 1.6), None),
    ("dock", "Loading dock", "Warehouse", (0.0, 0.0), None),
    ("barrier", "Barrier", "Car park", (4.9, 2.8), None),
    ("terrace", "Roof terrace", "Main building", None, None),
)
PEOPLED = 6  # of these cameras see people
NAMES = (
    "Amara Okafor", "Ben Lindqvist", "Chiara Moretti", "Daniel Sørensen", "Elif Yıldız", "Farid Haddad",
    "Greta Baumann", "Hiroshi Tanabe", "Inês Carvalho", "Jonas Weber", "Karolína Dvořák", "Liam O’Connell",
    "Mei-Ling Zhou", "Noor van Dijk", "Oskar Nowak", "Priya Raman", "Quentin Leroy", "Rosa Delgado", "Samuel Adeyemi",
    "Tomás Herrera", "Ulrike Hartmann", "Viktor Petrov",
)  # fmt: skip


@dataclass(frozen=True)
class Figure:
    """Somebody enrolled, a few pictures as cameras get them, and the camera near which they work."""

    person: Person
    faces: Sequence[bytes]
    desk: str


def fill() -> None:
    now = timezone.now()
    _accounts()
    _cameras(now)
    _nodes(now)
    figures = [*_portrayed(), *_drawn()]
    _models(now)
    _history(figures, now)
    _queues(now)


def _accounts() -> None:
    for role in Role:
        Group.objects.get_or_create(name=role)
    EdgeNode.objects.all().delete()
    ApiKey.objects.all().delete()


def _cameras(now: datetime) -> None:
    # Ids that addresses of pages can name.
    for pk, (name, (description, latitude, longitude)) in enumerate(PLACES.items(), start=1):
        Location.objects.create(pk=pk, name=name, description=description, latitude=latitude, longitude=longitude)
    plan = floor_plan()
    FloorPlan.objects.create(location_id=1, jpeg=encode_jpeg(plan), width=plan.shape[1], height=plan.shape[0])
    for index, (key, name, place, rates, spot) in enumerate(CAMERAS):
        x, y = spot or (None, None)
        location = Location.objects.get(name=place)
        camera = Camera.objects.create(id=key, name=name, location=location, plan_x=x, plan_y=y)
        if rates is None:
            continue
        frames, faces = rates
        Camera.objects.filter(pk=key).update(heard_at=now)
        CameraSettings.objects.create(camera=camera, target_fps=6.0, min_size=40.0, motion=True, codec="webp")
        CameraStatus.objects.create(
            camera=camera,
            frames_per_second=frames,
            faces_per_minute=faces,
            bytes_saved=(68 - 3 * index) * GB,
            last_crop_at=now - timedelta(seconds=7 + 90 * index),
            error="" if frames else "lost rtsp://10.2.0.14/stream1; connecting again in 8.0 s",
            reported_at=now,
        )


def _nodes(now: datetime) -> None:
    nodes = (
        ("Lobby box", ("entrance-inside", "entrance-outside", "reception-desk"), 214 * MB, 0, 0.0, None, now),
        ("Laboratory box", ("corridor", "lab-door"), 61 * MB, 3, -3.2, now + timedelta(days=9), now),
        ("Yard box", ("gate", "dock"), 38 * MB, 0, 0.0, None, now),
        ("Car park pole", ("barrier",), 27 * MB, 412, 0.0, None, now - timedelta(hours=3)),
    )
    for name, cameras, sent, queued, clock, ends, heard in nodes:
        node = EdgeNode.objects.create(
            name=name, last_seen_at=heard, reported_at=heard, version="0.1.0", bytes_sent=sent, queued=queued,
            spool_bytes=queued * 3_100, clock_offset_s=clock,
        )  # fmt: skip
        node.cameras.set(cameras)
        key = ApiKey(name=f"edge node {name}", scope=ApiKey.Scope.EDGE, expires_at=ends)
        key.issue()
        node.keys.add(key)
    Camera.objects.filter(pk="barrier").update(heard_at=now - timedelta(hours=3))


def _portrayed() -> Iterator[Figure]:
    basis = {"legal_basis": Person.LegalBasis.LEGITIMATE_INTERESTS, "legal_basis_date": date(2026, 1, 5)}
    hopper = portraits()["grace_hopper"]
    photos = {
        ("Eileen Collins", "astronaut"): enrolment_photos(),
        ("Grace Hopper", "grace_hopper"): [encode_jpeg(hopper), encode_jpeg(np.ascontiguousarray(hopper[:, ::-1]))],
    }
    for number, ((name, portrayed), images) in enumerate(photos.items(), start=1):
        person = Person.objects.create(pk=UUID(int=number), face_id=name, **basis)
        for data in images:
            add_photo(person, data)
        yield Figure(person, _seen(_head(portrayed)), "corridor")


def _head(portrayed: str) -> Image:
    (x, y), width = CUTOUTS[portrayed].face, CUTOUTS[portrayed].face_width
    return np.ascontiguousarray(portraits()[portrayed][max(0, y - width) : y + width, x - width : x + width])


def _drawn() -> Iterator[Figure]:
    desks = [key for key, *_ in CAMERAS[2:PEOPLED]]
    for index, name in enumerate(NAMES):
        ends = timezone.localdate() + timedelta(days=20) if index == 4 else None
        person = Person.objects.create(
            pk=UUID(int=0x100 + index),
            face_id=name,
            legal_basis=Person.LegalBasis.CONSENT if index % 3 else Person.LegalBasis.CONTRACT,
            legal_basis_date=date(2026, 2, 1 + index),
            legal_basis_expires=ends,
        )
        image = portrait(index)
        for number in range(3):
            _photo(person, _lit(image, number), seed=100 * index, number=number)
        yield Figure(person, _seen(image), desks[index % len(desks)])


def _lit(image: Image, number: int) -> bytes:
    return encode_jpeg((image * (0.86 + 0.07 * number)).clip(0, 255).astype(np.uint8))


def _photo(person: Person, data: bytes, *, seed: int, number: int) -> None:
    """As enrolment stores it; the vector is made up, since no detector takes a drawing for a face."""
    random = np.random.default_rng(seed + number)
    photo = Photo(
        person=person, sha256=uuid.uuid4().hex * 2, explanation="Accepted.", face_px=random.uniform(120, 190),
        sharpness=random.uniform(30, 80), brightness=random.uniform(90, 150), frontality=random.uniform(0.7, 0.98),
        confidence=0.999,
    )  # fmt: skip
    photo.file.name = f"photos/{person.pk}/{photo.pk}.jpg"
    storage.write_once(photo.file.name, data)
    photo.save()
    vector = np.random.default_rng(seed).normal(size=128) + 0.12 * random.normal(size=128)
    unit = (vector / np.linalg.norm(vector)).astype("<f4")
    Embedding.objects.create(photo=photo, pack_id=pipeline().pack_id, vector=unit.tobytes())


def _seen(image: Image) -> list[bytes]:
    return [encode_jpeg(as_seen(image, seed)) for seed in range(6)]


def _models(now: datetime) -> None:
    """Three versions: one of before the last people came, and two of all."""
    late = Person.objects.filter(face_id__in=NAMES[-4:])
    late.update(legal_basis_date=timezone.localdate() + timedelta(days=1))
    first = train()
    late.update(legal_basis_date=date(2026, 2, 20))
    for trained, days in ((first, 12), (train(), 5), (train(), 0)):
        TrainedModel.objects.filter(pk=trained.pk).update(created_at=now - timedelta(days=days, hours=2))
        Job.objects.create(
            kind=Job.Kind.OPTIMIZED_TRAIN, state=Job.State.SUCCEEDED, model=trained, total=1, done=1,
            started_at=now - timedelta(days=days, hours=2, seconds=9), finished_at=now - timedelta(days=days, hours=2),
            message=f"Model {trained.pk} with {trained.people_count} people is in service.",
        )  # fmt: skip


def _history(figures: Sequence[Figure], now: datetime) -> None:
    """Everyone's comings and goings, and strangers."""
    random = np.random.default_rng(7)
    model = TrainedModel.objects.first()
    tracks, detections, faces = [], [], []
    for figure, camera, at in [*_visits(figures, now, random), *_strangers(now, random)]:
        count = int(random.integers(1, 4))
        sure = float(1 - 0.1 * random.random() ** 3) if figure else float(0.4 * random.random())
        track = Track(
            camera_id=camera, key=uuid.uuid4().hex, person=figure and figure.person, probability=sure,
            detection_count=count, captured_at=at, ended_at=at + timedelta(seconds=4 * count),
        )  # fmt: skip
        tracks.append(track)
        for number in range(count):
            detections.append(_detection(track, number, model))
            if figure:
                faces.append(FaceImage(detection=detections[-1], jpeg=figure.faces[random.integers(6)]))
    Track.objects.bulk_create(tracks)
    Detection.objects.bulk_create(detections)
    FaceImage.objects.bulk_create(faces)
    lastseen.update(one for one in detections if one.person_id)


def _detection(track: Track, number: int, model: TrainedModel | None) -> Detection:
    return Detection(
        id=uuid.uuid4(), crop_id=uuid.uuid4(), face_index=0, camera_id=track.camera_id, track=track,
        person=track.person, probability=track.probability, score=0.6, confidence=0.99, box=[24, 20, 90, 104],
        frame_box=[410, 96, 498, 205],
        model=model, captured_at=track.captured_at + timedelta(seconds=4 * number),
    )  # fmt: skip


Visit = tuple[Figure | None, str, datetime]


def _visits(figures: Sequence[Figure], now: datetime, random: np.random.Generator) -> Iterator[Visit]:
    today = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    for back in range(DAYS):
        day = today - timedelta(days=back)
        presence = 0.9 if day.weekday() < 5 or not back else 0.08
        for index, figure in enumerate(figures):
            if random.random() > presence:
                continue
            hours = [(8.2, "entrance-inside"), (8.3, figure.desk), (10.5, "reception-desk"), (12.3, "entrance-outside")]
            hours += [(13.0, "entrance-inside"), (14.2, figure.desk), (15.4, "lab-door"), (17.1, "entrance-outside")]
            for hour, camera in hours:
                at = day + timedelta(hours=hour + random.normal(0, 0.45))
                if at < now - timedelta(minutes=2) and random.random() < 0.8:
                    yield figure, camera, at
            if not back and index < 7:
                yield figure, CAMERAS[index % PEOPLED][0], now - timedelta(seconds=20 + 70 * index**1.5)


def _strangers(now: datetime, random: np.random.Generator) -> Iterator[Visit]:
    for _ in range(160):
        at = now - timedelta(days=DAYS * random.random())
        if 7 <= timezone.localtime(at).hour < 19:
            yield None, CAMERAS[random.integers(PEOPLED)][0], at
    for minutes in (3, 11, 24, 39, 52):
        yield None, "reception-desk" if minutes % 2 else "entrance-inside", now - timedelta(minutes=minutes)


def _queues(now: datetime) -> None:
    """The crops of the last hour, two of which were given up; and a server that took a message and failed another."""
    random = np.random.default_rng(9)
    job = Job.objects.create(kind=Job.Kind.RECOGNISE, state=Job.State.SUCCEEDED, total=900, done=900)
    for index in range(900):
        at = now - timedelta(minutes=60 * (1 - random.random() ** 0.8))
        dead = (
            {"state": Crop.State.DEAD, "image": b"\xff\xd8\xff", "error": "The image is cut off."} if index < 2 else {}
        )
        values = {
            "id": uuid.uuid4(),
            "job": job,
            "camera_id": CAMERAS[index % PEOPLED][0],
            "sha256": "",
            "state": Crop.State.DONE,
        }
        Crop.objects.create(**values | dead, received_at=at, captured_at=at)
    server = ExternalServer.objects.create(name="Access control", url="https://doors.example.org/seen", is_active=False)
    Delivery.objects.create(
        server=server, event=Delivery.Event.PERSON_SEEN, track=Track.objects.exclude(person=None).first(),
        state=Delivery.State.FAILED, attempts=11, last_error="The server answered 502 Bad Gateway.",
    )  # fmt: skip
