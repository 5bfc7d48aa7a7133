"""Capture times are right by the server's clock, whatever the node's clock says and however slow the link is."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_client import clock as clock_module
from edge_client.clock import Clock, Stamp

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = 3600.0


class World:
    """The true time, on the server; the node's two clocks follow it, one of them wrongly."""

    def __init__(self, wrong_by: float = 0.0) -> None:
        self.true = NOON.timestamp()
        self.wrong_by = wrong_by
        self.started = self.true - 1000

    def time(self) -> float:
        return self.true + self.wrong_by

    def steady(self) -> float:
        return self.true - self.started

    def exchange(self, clock: Clock, there: float = 0.1, back: float = 0.1) -> None:
        """A request and its answer, which take so many seconds to get there and back."""
        asked = self.steady()
        self.true += there
        date = format_datetime(datetime.fromtimestamp(int(self.true), UTC), usegmt=True)
        self.true += back
        clock.heard(date, asked, self.steady())


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return install(World(), monkeypatch)


def install(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(clock_module.time, "time", world.time)
    monkeypatch.setattr(clock_module, "steady", world.steady)
    return world


@pytest.fixture
def clock(world: World) -> Iterator[Clock]:
    return Clock()


def captured(world: World, clock: Clock) -> tuple[datetime, Stamp]:
    return datetime.fromtimestamp(world.time(), UTC), clock.now()


def error(clock: Clock, moment: tuple[datetime, Stamp], true: float) -> float:
    return abs(clock.correct(*moment).timestamp() - true)


def test_right_clock_is_left_alone(world, clock):
    at, stamp = captured(world, clock)
    world.exchange(clock)
    assert clock.offset == 0
    assert clock.correct(at, stamp) == at


def test_nothing_is_corrected_before_the_server_was_heard(world, clock):
    world.wrong_by = -HOUR
    at, stamp = captured(world, clock)
    assert clock.offset is None
    assert clock.correct(at, stamp) == at


@pytest.mark.parametrize("wrong_by", [-HOUR, HOUR, -20 * 365 * 24 * HOUR, 5.0])
def test_wrong_clock_is_corrected_to_below_a_second(world, clock, wrong_by):
    world.wrong_by = wrong_by
    moment, true = captured(world, clock), world.true
    world.exchange(clock)
    assert error(clock, moment, true) < 0.7
    assert clock.offset == pytest.approx(-wrong_by, abs=0.7)


def test_clock_set_right_between_capture_and_sending_makes_no_difference(world, clock):
    world.wrong_by = -HOUR
    moment, true = captured(world, clock), world.true
    world.true += 600
    world.wrong_by = 0
    world.exchange(clock)
    later = captured(world, clock)
    assert error(clock, moment, true) < 0.7
    assert error(clock, later, world.true) < 1e-5


def test_after_a_restart_of_the_machine_the_present_error_is_assumed(world, clock):
    world.wrong_by = -HOUR
    at, stamp = captured(world, clock)
    before = Stamp(stamp.wall, 5.0, "an earlier start")
    true = world.true
    world.exchange(clock)
    assert error(clock, (at, before), true) < 0.7


def test_nothing_from_before_a_restart_is_dated_in_the_future(world, clock):
    """The clock ran ahead, and was set right since: the server would refuse it."""
    world.wrong_by = HOUR
    at, stamp = captured(world, clock)
    world.true += 600
    world.wrong_by = 0
    world.exchange(clock)
    assert clock.correct(at, Stamp(stamp.wall, 5.0, "an earlier start")) == datetime.fromtimestamp(world.true, UTC)


@given(
    st.floats(min_value=-1e6, max_value=1e6),
    st.lists(
        st.tuples(*[st.floats(min_value=0, max_value=20)] * 2, st.floats(min_value=0, max_value=HOUR)),
        min_size=1,
        max_size=20,
    ),
)
def test_error_never_exceeds_half_of_the_best_answers_uncertainty(wrong_by, answers):
    with pytest.MonkeyPatch.context() as monkeypatch:
        world = install(World(wrong_by), monkeypatch)
        clock = Clock()
        for there, back, pause in answers:
            world.exchange(clock, there, back)
            world.true += pause
        best = min(1 + there + back for there, back, _ in answers)
        waited = sum(pause + there + back for there, back, pause in answers)
        assert abs(clock.offset + wrong_by) <= best + 2 * clock_module.DRIFT * waited + 1e-3


def test_several_answers_tell_more_than_one(world, clock):
    world.wrong_by = -HOUR
    for _ in range(30):
        world.exchange(clock, 0.05, 0.05)
        world.true += 7.13
    assert clock.offset == pytest.approx(HOUR, abs=0.15)


def test_one_answer_in_time_outweighs_many_slow_ones(world, clock):
    world.wrong_by = -HOUR
    world.exchange(clock, 0.0, 0.0)
    for _ in range(10):
        world.exchange(clock, 0.0, 15.0)
    assert clock.offset == pytest.approx(HOUR, abs=0.6)


def test_server_whose_clock_was_set_is_believed(world, clock):
    world.exchange(clock)
    world.true += 2 * HOUR
    world.started += 2 * HOUR  # the steady clock did not see these two hours
    world.exchange(clock)
    assert clock.offset == 0


@pytest.mark.parametrize("date", ["", "soon", "Mon, 99 Nov 2026 99:00:00 GMT"])
def test_answer_without_a_date_tells_nothing(clock, date):
    clock.heard(date, 1.0, 2.0)
    assert not clock.is_set


def test_wrong_clock_is_told_once(world, clock, caplog):
    world.wrong_by = -HOUR
    for _ in range(5):
        world.exchange(clock)
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING] == [
        "this node's clock is -3600 s off the server's; capture times are corrected"
    ]


def test_correction_keeps_the_order_and_the_distance_of_captures(world, clock):
    world.wrong_by = 90.0
    first = captured(world, clock)
    world.true += 1.5
    second = captured(world, clock)
    world.exchange(clock)
    assert clock.correct(*second) - clock.correct(*first) == timedelta(seconds=1.5)
