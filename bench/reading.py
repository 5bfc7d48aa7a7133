"""How fast the product's views answer on the database at hand, requests and all, in this process."""

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from html import unescape
from random import Random
from typing import TypeVar
from urllib.parse import urlencode

import numpy as np
from django.contrib.auth.models import Group, User
from django.db.models import QuerySet
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from access.models import ApiKey
from access.roles import Role
from bench.history import CAMERAS, DAYS, GONE, LOCATIONS, PEOPLE
from detections.models import Location, Track
from people.models import Person

WARM_UP = 5
_NEXT = re.compile(r'"next":"http://localhost([^"]+)|href="http://localhost([^"]+)">Older')
Query = Callable[[], Mapping[str, object]]
T = TypeVar("T")


class Reader:
    """Somebody logged in, who also has an API key."""

    def __init__(self) -> None:
        user, _ = User.objects.get_or_create(username="reader", is_staff=True)
        user.groups.add(Group.objects.get(name=Role.ADMIN))
        key = ApiKey(name="bench", scope=ApiKey.Scope.INTEGRATION).issue()
        self._api = Client(headers={"host": "localhost", "authorization": f"Bearer {key}"})
        self._pages = Client(headers={"host": "localhost"})
        self._pages.force_login(user)

    def ask(self, path: str) -> tuple[float, object]:
        """Milliseconds, and the answer. Raises RuntimeError if it is not 200."""
        client = self._api if path.startswith("/api/") else self._pages
        took, answer = _timed(lambda: client.get(path))
        if answer.status_code != 200:
            raise RuntimeError(f"{path} was answered {answer.status_code}.")
        return took, answer

    def time_each(self, paths: Iterable[tuple[str, Callable[[], str]]], count: int) -> dict[str, "Times"]:
        measured = {}
        for name, path in paths:
            measured[name] = self.time(path, count)
            print(f"{name:62} {measured[name]}", flush=True)
        return measured

    def time(self, path: Callable[[], str], count: int) -> "Times":
        return _times(lambda: self.ask(path()), count)


def time_query(query: Callable[[], QuerySet], count: int) -> "Times":
    """What the view asks the database, through the ORM, without the request around it."""
    return _times(lambda: _timed(lambda: list(query())), count)


def _timed(call: Callable[[], T]) -> tuple[float, T]:
    started = time.perf_counter()
    result = call()
    return 1000 * (time.perf_counter() - started), result


def _times(ask: Callable[[], tuple[float, object]], count: int) -> "Times":
    for _ in range(WARM_UP):
        ask()
    return Times([ask()[0] for _ in range(count)])


@dataclass(frozen=True)
class Times:
    """Milliseconds of several requests or queries."""

    ms: list[float]

    @property
    def p50(self) -> float:
        return float(np.percentile(self.ms, 50))

    @property
    def p99(self) -> float:
        return float(np.percentile(self.ms, 99))

    def __str__(self) -> str:
        return f"p50 {self.p50:6.1f} ms   p99 {self.p99:6.1f} ms"


class Views:
    """Every view that lists, with each of its filters; each call of a path asks for something else."""

    def __init__(self, reader: Reader, seed: int = 0) -> None:
        self._reader = reader
        self._random = Random(seed)
        self._ids = dict(Person.objects.values_list("face_id", "pk"))
        self._places = dict(Location.objects.values_list("name", "pk"))
        self._tracks = Track.objects.values_list("pk").order_by("pk")
        self._track_ids = (self._tracks.first()[0], self._tracks.last()[0])

    def person(self) -> str:
        """Somebody: those who are seen often, more often."""
        return face_id(int(self._random.random() ** 3 * PEOPLE))

    def anybody(self) -> str:
        return face_id(self._random.randrange(PEOPLE))

    def one(self) -> str:
        return f"/api/v1/database/{self.anybody()}/last-known-location"

    def lists(self) -> Iterator[tuple[str, Callable[[], str]]]:
        for path in ("/api/v1/detections", "/api/v1/tracks", "/detections/", "/tracks/"):
            for name, query in self._filters():
                if name != "track" or "tracks" not in path:
                    yield f"{path} {name}", _address(path, query)
            yield f"{path} a later page", self._later(path)
        yield from self._boards()
        yield from self._admin()
        for path in ("/api/v1/database/people", "/api/v1/dataset"):
            yield f"{path} any page", _address(path, lambda: {"page": self._random.randint(1, PEOPLE // 50)})
        for path in ("/api/v1/cameras", "/api/v1/locations"):
            yield path, _address(path, dict)

    def others(self) -> Iterator[tuple[str, Callable[[], str]]]:
        """All other pages."""
        for path in ("/model/", "/health/", "/cameras/", "/detections/photo/", "/cameras/nodes/add/", "/api/docs/"):
            yield path, _address(path, dict)
        yield "/model/effect/ any rate", _address("/model/effect/", lambda: {"step": self._random.randrange(12)})
        yield "/cameras/ one", lambda: f"/cameras/camera-{self._random.randrange(CAMERAS)}/"
        yield "/plans/ edit", lambda: f"/plans/{self._place(self._random.randrange(LOCATIONS))}/edit/"
        yield "/admin/ enrol", lambda: reverse("admin:people_person_add")
        for name in ("change", "delete"):
            page = f"admin:people_person_{name}"
            yield f"/admin/ {name} a person", lambda page=page: reverse(page, args=[self._ids[self.person()]])
        for name in ("people_person", "people_import", "recognition_job", "recognition_trainedmodel"):
            path = reverse(f"admin:{name}_changelist")
            yield path, _address(path, dict)

    def _filters(self) -> Iterator[tuple[str, Query]]:
        random = self._random
        yield "all", dict
        yield "face_id", lambda: {"face_id": self.person()}
        yield "face_id, never seen", lambda: {"face_id": face_id(PEOPLE)}
        yield "known", lambda: {"known": "true"}
        yield "unknown", lambda: {"known": "false"}
        yield "camera", lambda: {"camera": f"camera-{random.randrange(CAMERAS)}"}
        yield "camera, taken down", lambda: {"camera": f"camera-{random.randrange(GONE)}"}
        yield "location", lambda: {"location": self._place(random.randrange(GONE, LOCATIONS))}
        yield "location, taken down", lambda: {"location": self._place(random.randrange(GONE))}
        yield "location, never seen", lambda: {"location": self._place(LOCATIONS)}
        yield "since", lambda: {"since": self._moment()}
        yield "until", lambda: {"until": self._moment()}
        yield "min_probability", lambda: {"min_probability": round(random.random(), 2)}
        yield "min_probability, very sure", lambda: {"min_probability": 1 - 10 ** -random.uniform(2, 9)}
        yield "min_probability, certain", lambda: {"min_probability": 1}
        yield "track", lambda: {"track": random.randint(*self._track_ids)}
        yield "face_id, camera", lambda: {"face_id": self.person(), "camera": f"camera-{random.randrange(CAMERAS)}"}
        yield "unknown, camera", lambda: {"known": "false", "camera": f"camera-{random.randrange(CAMERAS)}"}

    def _later(self, path: str) -> Callable[[], str]:
        """A page that follows another one, anywhere in the history."""
        urls = []
        for _ in range(20):
            _, answer = self._reader.ask(_address(path, lambda: {"until": self._moment()})())
            link = _NEXT.search(unescape(answer.content.decode()))
            if link:
                urls.append(link[1] or link[2])
        return lambda: self._random.choice(urls)

    def _boards(self) -> Iterator[tuple[str, Callable[[], str]]]:
        random = self._random
        for path in ("/", "/people/"):
            yield f"{path} all", _address(path, dict)
            yield f"{path} any page", _address(path, lambda: {"page": random.randint(1, PEOPLE // 50)})
            yield f"{path} search", _address(path, lambda: {"q": f"{random.randrange(1000):03}"})
        yield "/ cards", _address("/", lambda: {"view": "cards"})
        yield "/ never seen", _address("/", lambda: {"since": "never"})
        yield "/ place, lately", _address("/", lambda: {"location": self._place(random.randrange(GONE)), "since": "1h"})
        yield "/plans/ a place", lambda: f"/plans/{self._place(random.randrange(LOCATIONS))}/"
        yield "/map/", _address("/map/", dict)
        yield "/people/ somebody", lambda: f"/people/{self._ids[self.person()]}/"
        yield "/people/ seen most often", lambda: f"/people/{self._ids[face_id(0)]}/"

    def _admin(self) -> Iterator[tuple[str, Callable[[], str]]]:
        for name in ("detection", "track", "lastseen", "crop"):
            path = reverse(f"admin:detections_{name}_changelist")
            yield path, _address(path, dict)
            query = lambda: {"camera__id__exact": f"camera-{self._random.randrange(CAMERAS)}"}  # noqa: E731
            yield f"{path} camera", _address(path, query)
            if name != "crop":
                yield f"{path} search", _address(path, lambda: {"q": self.person()})

    def _place(self, number: int) -> int:
        return self._places[f"Location {number:03}"]

    def _moment(self) -> str:
        return (timezone.now() - self._random.random() * timedelta(days=DAYS)).isoformat()


def face_id(number: int) -> str:
    return f"Person {number:05}"


def _address(path: str, query: Query) -> Callable[[], str]:
    return lambda: f"{path}?{urlencode(query())}"
