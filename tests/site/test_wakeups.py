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
