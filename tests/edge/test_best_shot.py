"""Of each track: a good crop early and another look soon, later clearly better ones, and now and then another."""

from datetime import UTC, datetime

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_client.bestshot import (
    AGAIN_AFTER,
    AGAIN_GROWTH,
    BETTER_AFTER,
    CLEARLY_BETTER,
    FAR_BETTER,
    FIRST_AFTER,
    GOOD_ENOUGH,
    SOON_AFTER,
    USABLE,
    BestShot,
    Shot,
    frontality,
    score,
    take_shot,
)  # fmt: skip
from edge_client.detector import Face
from edge_client.source import Frame

FRONTAL = np.array([(30, 35), (70, 35), (50, 55), (35, 75), (65, 75)], np.float32)


def face(side: float = 100, *, x: float = 0, y: float = 0, landmarks=FRONTAL, confidence: float = 1.0) -> Face:
    return Face((x, y, x + side, y + side), (landmarks * side / 100 + (x, y)).astype(np.float32), confidence)


def shot(value: float) -> Shot:
    return Shot(value, np.zeros((4, 4, 3), np.uint8), face(), datetime.now(UTC), (640, 480), 0.0)


@pytest.fixture
def textured() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (400, 400, 3), np.uint8)


def test_first_shot_is_the_best_of_the_first_moments():
    best = BestShot(10.0)
    for value in (0.2, 0.3, 0.25):
        best.offer(shot(value))
        assert best.due(10.0 + FIRST_AFTER / 2) is None
    assert best.due(10.0 + FIRST_AFTER).score == 0.3


def test_usable_first_shot_does_not_wait():
    best = BestShot(10.0)
    best.offer(shot(USABLE))
    assert best.due(10.0).score == USABLE
    best.offer(shot(1.0))
    assert best.due(10.1) is None


def test_another_look_follows_soon_if_it_is_good_enough():
    best = BestShot(0.0)
    best.offer(shot(0.5))
    assert best.due(0.0).score == 0.5
    best.offer(shot(0.5 * GOOD_ENOUGH - 0.01))
    assert best.due(AGAIN_AFTER) is None
    best.offer(shot(0.5 * GOOD_ENOUGH))
    assert best.due(AGAIN_AFTER - 0.01) is None
    assert best.due(AGAIN_AFTER).score == 0.5 * GOOD_ENOUGH


def test_looks_at_a_face_that_never_changes_become_rare():
    best = BestShot(0.0)
    sent = []
    for number in range(36_000):
        best.offer(shot(0.5))
        if best.due(number / 10):
            sent.append(number / 10)
    assert sent[:3] == [0.0, AGAIN_AFTER, pytest.approx(AGAIN_AFTER * (1 + AGAIN_GROWTH))]
    assert len(sent) < 25
    assert sum(seconds > 1800 for seconds in sent) <= 2


def test_later_clearly_better_shots_but_not_in_a_row():
    best = BestShot(0.0)
    now = wait = 0.0
    while wait <= BETTER_AFTER:  # until looks have become rarer than that
        now += wait
        best.offer(shot(0.4))
        assert best.due(now).score == 0.4
        wait = wait * AGAIN_GROWTH or AGAIN_AFTER
    best.offer(shot(0.4 * CLEARLY_BETTER - 0.01))
    assert best.due(now + BETTER_AFTER) is None
    best.offer(shot(0.7))
    assert best.due(now + BETTER_AFTER / 2) is None
    best.offer(shot(0.6))
    assert best.due(now + BETTER_AFTER).score == 0.7


def test_a_poor_first_look_gives_way_to_a_far_better_one_soon():
    best = BestShot(0.0)
    for seconds in (FIRST_AFTER, FIRST_AFTER + AGAIN_AFTER):
        best.offer(shot(0.1))
        assert best.due(seconds).score == 0.1
    best.offer(shot(0.1 * FAR_BETTER))
    assert best.due(FIRST_AFTER + AGAIN_AFTER + SOON_AFTER / 2) is None
    assert best.due(FIRST_AFTER + AGAIN_AFTER + SOON_AFTER).score == 0.1 * FAR_BETTER


def test_short_track_sends_its_best_at_its_end_and_nothing_twice():
    best = BestShot(0.0)
    best.offer(shot(0.3))
    assert best.last().score == 0.3
    assert best.last() is None


@given(st.lists(st.floats(1e-6, 1), max_size=200))
def test_number_of_shots_stays_small_however_scores_rise(values):
    best = BestShot(0.0)
    sent = []
    for number, value in enumerate(values):
        best.offer(shot(value))
        if chosen := best.due(number * 1.0):
            sent.append(chosen.score)
    if chosen := best.last():
        sent.append(chosen.score)
    assert bool(sent) == bool(values)
    best_before = [max(sent[:number], default=0) for number in range(len(sent))]
    assert sum(score < before * CLEARLY_BETTER for score, before in zip(sent, best_before, strict=True)) <= 15
    if values:
        assert max(sent) * CLEARLY_BETTER >= max(values)  # what is left unsent is no clear gain


def test_score_prefers_large_sharp_frontal_whole_and_certain_faces(textured):
    good = score(textured, face(100, x=100, y=100))
    blurred = cv2.GaussianBlur(textured, (0, 0), 9)
    turned = FRONTAL.copy()
    turned[2] = (66, 55)
    assert good > 0.9
    assert score(textured, face(45, x=100, y=100)) < good
    assert score(blurred, face(100, x=100, y=100)) < good
    assert score(textured, face(100, x=100, y=100, landmarks=turned)) < good
    assert score(textured, face(100, x=350, y=100)) < good
    assert score(textured, face(100, x=100, y=100, confidence=0.8)) < good
    assert score((textured * 0.1).astype(np.uint8), face(100, x=100, y=100)) < good
    assert score(255 - (textured * 0.1).astype(np.uint8), face(100, x=100, y=100)) < good


def test_face_without_landmarks_is_neither_frontal_nor_turned(textured):
    whole = face(100, x=100, y=100)
    blind = Face(whole.box, None, 1.0)
    turned = Face(whole.box, whole.landmarks + np.float32([[0, 0], [0, 0], [20, 0], [0, 0], [0, 0]]), 1.0)
    assert score(textured, turned) < score(textured, blind) < score(textured, whole)


@given(st.lists(st.floats(-1e4, 1e4), min_size=10, max_size=10), st.tuples(*[st.floats(-500, 900)] * 4))
def test_score_is_above_zero_and_at_most_one_for_any_face(points, corners):
    x1, x2 = sorted(corners[:2])
    y1, y2 = sorted(corners[2:])
    odd = Face((x1, y1, x2, y2), np.array(points, np.float32).reshape(5, 2), 0.9)
    assert 0 < score(np.full((400, 400, 3), 90, np.uint8), odd) <= 1


def test_frontality_ignores_the_tilt_of_the_head():
    angle = np.radians(30)
    turn = np.array([(np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))])
    assert frontality((FRONTAL @ turn.T).astype(np.float32)) == pytest.approx(frontality(FRONTAL), abs=1e-4)


def test_shot_carries_the_frame_it_came_from(textured):
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    taken = take_shot(Frame(textured[:300], moment, 1.0), face(100, x=50, y=60), 0.7)
    assert (taken.captured_at, taken.frame_size, taken.score) == (moment, (400, 300), 0.7)
