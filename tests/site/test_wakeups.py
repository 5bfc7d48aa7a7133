"""The tasks that are woken by name exist, in the queues that workers serve."""

import pytest
from celery import current_app

from recognition import wakeup


@pytest.mark.parametrize(
    ("task", "queue"),
    [(wakeup.RECOGNITION, "recognition"), (wakeup.TRAINING, "training"), (wakeup.DELIVERY, "maintenance")],
)
def test_a_woken_task_is_known_and_routed(task: str, queue: str) -> None:
    current_app.loader.import_default_modules()
    assert task in current_app.tasks
    assert current_app.amqp.router.route({}, task)["queue"].name == queue


def test_every_scheduled_task_is_known() -> None:
    current_app.loader.import_default_modules()
    assert {entry["task"] for entry in current_app.conf.beat_schedule.values()} <= set(current_app.tasks)


def test_what_the_clock_sends_goes_where_somebody_always_listens() -> None:
    """Where training is scaled to nothing, nobody takes from its queue what is sent every few seconds."""
    route = current_app.amqp.router.route
    tasks = {entry["task"] for entry in current_app.conf.beat_schedule.values()}
    assert {route({}, task)["queue"].name for task in tasks} == {"maintenance"}
