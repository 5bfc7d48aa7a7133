"""The simulation of the inbox agrees with what can be worked out by hand, and the plan with its assumptions."""

from dataclasses import replace

import pytest

from bench.queueing import BATCH, Service, simulate
from bench.sizing import Assumptions, Costs, next_bottleneck, plan

SERVICE = Service(batch_s=0.010, crop_s=0.005, variation=0.0)
COSTS = Costs(web=0.004, database=0.002)


def test_where_hardly_anything_comes_a_crop_takes_as_long_as_it_takes() -> None:
    assert simulate(SERVICE, 1, 0.1, seconds=5000).p50_s == pytest.approx(0.015)


def test_workers_are_busy_for_as_long_as_the_work_takes() -> None:
    alone = replace(SERVICE, batch_s=0.0)  # then batches make no difference
    assert simulate(alone, 2, 200).busy == pytest.approx(200 * 0.005 / 2, rel=0.05)


def test_more_work_than_can_be_done_waits_longer_and_longer() -> None:
    most = SERVICE.crops_per_s
    assert most == pytest.approx(BATCH / 0.090)
    assert simulate(SERVICE, 1, 0.7 * most).p95_s < 1
    assert simulate(SERVICE, 1, 1.3 * most, seconds=300).p50_s > 10


def test_service_is_read_off_measurements() -> None:
    measured = [(size, 0.010 + 0.005 * size) for size in (1, 2, 4, 8, 16)]
    fitted = Service.fitted(measured)
    assert (fitted.batch_s, fitted.crop_s) == (pytest.approx(0.010), pytest.approx(0.005))
    assert fitted.variation == pytest.approx(0, abs=1e-9)


def test_a_plan_keeps_what_is_assumed_and_grows_with_the_cameras() -> None:
    assumed = Assumptions()
    small, large = (plan(cameras, SERVICE, COSTS, assumed) for cameras in (10, 1000))
    for one in (small, large):
        assert one["p95_s"] <= assumed.p95_s
        assert one["busy"] <= assumed.busiest
    assert large["workers"] > small["workers"]
    assert large["usd_per_camera_month"] < small["usd_per_camera_month"]
    most = next_bottleneck(COSTS, assumed)
    assert most["crops_per_s"] == round(64 * 0.6 / 0.002)
