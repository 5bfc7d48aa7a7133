"""Who is before the cameras, and what the server has said of them. In memory: only crops are worth a disk."""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime
from typing import TypeVar

from edge_client.bundle import TrackKey
from edge_client.clock import Stamp

REMEMBERED = 4096  # tracks
MAX_BEATS = 256  # in one request
NAMED, UNKNOWN = "named", "unknown"

_T = TypeVar("_T")
Beats = dict[TrackKey, tuple[datetime, Stamp]]


class Presence:
    """For any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._states: OrderedDict[TrackKey, str] = OrderedDict()
        self._beats: OrderedDict[TrackKey, tuple[datetime, Stamp]] = OrderedDict()

    def beat(self, track: TrackKey, at: datetime, stamp: Stamp) -> None:
        """The person is still there. Only the latest is kept until it can be told."""
        with self._lock:
            _remember(self._beats, track, (at, stamp))

    def settled(self, track: TrackKey) -> bool:
        return self._states.get(track) == NAMED

    def is_known(self, track: TrackKey) -> bool:
        """Whether the server has looked at crops of it."""
        return self._states.get(track) in {NAMED, UNKNOWN}

    @property
    def has_news(self) -> bool:
        return bool(self._beats)

    def news(self) -> Beats:
        """Beats that are not told yet, the oldest first."""
        with self._lock:
            return dict(list(self._beats.items())[:MAX_BEATS])

    def told(self, beats: Beats, answers: Mapping[TrackKey, str]) -> None:
        """The server has these beats, and answered what it knows of tracks."""
        with self._lock:
            for track, beat in beats.items():
                if self._beats.get(track) == beat:
                    del self._beats[track]
            for track, state in answers.items():
                _remember(self._states, track, state)


def _remember(memory: OrderedDict[TrackKey, _T], track: TrackKey, value: _T) -> None:
    memory[track] = value
    memory.move_to_end(track)
    if len(memory) > REMEMBERED:
        memory.popitem(last=False)
