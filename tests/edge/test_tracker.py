"""A face keeps its track while it moves steadily or hides briefly; different faces never share one."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edge_client.detector import Face
from edge_client.tracker import CONFIRM_HITS, MAX_MISSED, Tracker


def face(x: float, y: float, side: float) -> Face:
    return Face((x, y, x + side, y + side), np.zeros((5, 2), np.float32), 0.99)


coordinates = st.floats(-5000, 5000)
faces = st.builds(face, coordinates, coordinates, st.floats(0, 3000))


@given(st.lists(st.tuples(st.lists(faces, max_size=6), st.floats(0, 5)), max_size=12))
def test_every_face_gets_its_own_track_whatever_comes(frames):
    tracker = Tracker()
    now, alive, ended = 0.0, set(), []
    for found, pause in frames:
        now += pause
        ids = [track.id for track in tracker.update(found, now)]
        assert len(ids) == len(found) == len(set(ids))
        assert not set(ids) & set(ended)
        alive |= set(ids)
        ended += [track.id for track in tracker.take_ended(now)]
    ended += [track.id for track in tracker.take_all()]
    assert sorted(ended) == sorted(alive)  # each ends exactly once


@given(jitter=st.lists(st.floats(-0.03, 0.03), min_size=50, max_size=50), fps=st.sampled_from([6, 15, 25]))
def test_who_hurries_towards_the_camera_keeps_one_track(jitter, fps):
    tracker, ids = Tracker(), set()
    for number, noise in enumerate(jitter):
        side = 40 * math.exp(0.95 * min(2.0, number / fps) + noise)
        (track,) = tracker.update([face(500 - side / 2, 500 - side / 2, side)], number / fps)
        ids.add(track.id)
    assert len(ids) == 1


@given(
    side=st.floats(20, 200),
    step=st.tuples(st.floats(-0.75, 0.75), st.floats(-0.75, 0.75)),
    growth=st.floats(0.98, 1.02),
    fps=st.floats(2, 30),
)
def test_steadily_moving_face_keeps_one_track(side, step, growth, fps):
    tracker = Tracker()
    x, y, ids = 500.0, 500.0, set()
    for number in range(30):
        (track,) = tracker.update([face(x, y, side)], number / fps)
        ids.add(track.id)
        x, y, side = x + step[0] * side, y + step[1] * side, side * growth
    assert len(ids) == 1
    assert track.hits == 30


def test_fast_face_is_found_again_where_it_must_be_after_a_gap():
    tracker = Tracker()
    for number in range(5):
        (before,) = tracker.update([face(60 * number, 0, 100)], number / 10)
    tracker.update([], 0.5)
    (after,) = tracker.update([face(60 * 10, 0, 100)], 1.0)
    assert after is before


def test_crossing_faces_keep_their_tracks():
    tracker = Tracker()
    for number in range(21):
        left, right = tracker.update([face(20 * number, 0, 60), face(400 - 20 * number, 30, 60)], number / 10)
        if number == 0:
            first = left, right
    assert (left, right) == first


def test_who_walks_in_front_of_somebody_does_not_take_over_their_track():
    """As in a crowd: 50 pixels behind, 90 before them, who hide them for a third of a second."""
    tracker = Tracker()
    for number in range(10):
        (behind,) = tracker.update([face(100, 100, 50)], number / 24)
    before = set()
    for number in range(10, 18):
        before |= {track.id for track in tracker.update([face(70 + 3 * number, 90, 90)], number / 24)}
    again, passed = tracker.update([face(100, 100, 50), face(130, 90, 90)], 18 / 24)
    assert again is behind
    assert before == {passed.id}


def test_a_face_that_comes_nearer_fast_keeps_one_track():
    """At a walk towards the camera: a third larger in half a second, seen six times a second."""
    tracker = Tracker()
    ids = {
        tracker.update([face(500 - side / 2, 300, side)], number / 6)[0].id
        for number, side in enumerate((60, 66, 73, 81, 89, 98))
    }
    assert len(ids) == 1


def test_detection_feeds_only_one_of_two_close_tracks():
    tracker = Tracker()
    left, right = tracker.update([face(0, 0, 50), face(40, 0, 50)], 0.0)
    for number in range(1, 12):
        assert tracker.update([face(2, 0, 50)], number / 10) == [left]
    assert tracker.take_ended(1.1) == [right]


def test_track_is_confirmed_by_its_third_detection():
    tracker = Tracker()
    seen = [tracker.update([face(0, 0, 50)], number / 10)[0].confirmed for number in range(CONFIRM_HITS)]
    assert seen == [False] * (CONFIRM_HITS - 1) + [True]
    assert tracker.active == 1


def test_face_that_returns_too_late_begins_a_new_track():
    tracker = Tracker()
    (before,) = tracker.update([face(0, 0, 50)], 0.0)
    tracker.update([], MAX_MISSED / 2)
    tracker.update([], MAX_MISSED)
    assert tracker.take_ended(MAX_MISSED) == []
    assert tracker.take_ended(MAX_MISSED + 0.1) == [before]
    (after,) = tracker.update([face(0, 0, 50)], MAX_MISSED + 0.1)
    assert after.id != before.id


def test_one_look_in_vain_ends_no_track_however_slow_the_camera():
    tracker = Tracker()
    (before,) = tracker.update([face(0, 0, 50)], 0.0)
    tracker.update([], 2.0)
    assert tracker.take_ended(2.0) == []
    assert tracker.update([face(0, 0, 50)], 4.0) == [before]
