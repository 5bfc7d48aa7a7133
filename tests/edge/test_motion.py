"""The gate shows where something moves, whatever the noise and the light, and knows when it knows nothing."""

import numpy as np
import pytest

from edge_client.motion import MotionGate

SIZE = (720, 1280)
RANDOM = np.random.default_rng(3)
GRAINS = [RANDOM.normal(0, 4, (*SIZE, 3)) for _ in range(3)]
ROOM = np.kron(RANDOM.integers(60, 180, (9, 16, 3)), np.ones((80, 80, 1)))


def picture(number: int, *, light: float = 0, person: tuple[int, int] | None = None) -> np.ndarray:
    image = ROOM + light + GRAINS[number % 3]
    if person:
        x, y = person
        image[y : y + 120, x : x + 80] = 220
    return np.clip(image, 0, 255).astype(np.uint8)


@pytest.fixture
def gate() -> MotionGate:
    """One that has looked at the empty room for two seconds."""
    gate = MotionGate(margin=30)
    for number in range(12):
        gate.regions(picture(number), number / 6)
    return gate


def test_first_picture_is_all_news():
    assert MotionGate(30).regions(picture(0), 0.0) is None


def test_noise_moves_nothing(gate):
    assert [gate.regions(picture(number), 2 + number / 6) for number in range(30)] == [[]] * 30


def test_slow_change_of_light_moves_nothing(gate):
    seen = [gate.regions(picture(number, light=number / 2), 2 + number / 6) for number in range(60)]
    assert seen == [[]] * 60


def test_who_walks_is_inside_the_regions(gate):
    for number in range(12):
        x = 100 + 60 * number
        regions = gate.regions(picture(number, person=(x, 300)), 2 + number / 6)
        assert any(
            left <= x and x + 80 <= right and top <= 300 and bottom >= 420 for left, top, right, bottom in regions
        )
        assert sum((right - left) * (bottom - top) for left, top, right, bottom in regions) < 0.5 * SIZE[0] * SIZE[1]


def test_who_stands_still_becomes_background(gate):
    seen = [gate.regions(picture(number, person=(500, 300)), 2 + number / 6) for number in range(60)]
    assert len(seen[0]) == 1
    assert seen[-1] == []


@pytest.mark.parametrize("other", [255 - ROOM, 240 - ROOM[:, ::-1], ROOM + 60])
def test_another_scene_is_searched_everywhere(gate, other):
    assert gate.regions(np.clip(other, 0, 255).astype(np.uint8), 2.0) is None


def test_another_size_is_searched_everywhere(gate):
    assert gate.regions(picture(0)[:360, :640], 2.0) is None


@pytest.mark.parametrize("shape", [(1, 1), (3, 2000), (2000, 3), (479, 641)])
def test_odd_sizes_are_taken(shape):
    gate = MotionGate(30)
    for number in range(3):
        gate.regions(np.full((*shape, 3), 80 * number, np.uint8), number / 6)
