"""Trains again and again: `python -m tests.faults.trainer SWAPS NUMBER`, in the environment of a site.

Each model differs from the last. One in twenty is spoiled: its bytes in storage, or its signature. Prints a line of
JSON for each.
"""

import json
import os
import random
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "facesite.settings")
django.setup()

from django.conf import settings  # noqa: E402 - Django has to be set up
from django.test import override_settings  # noqa: E402

from people.training import train  # noqa: E402
from recognition import publishing, signing, storage  # noqa: E402
from recognition.models import ActiveModel, TrainedModel  # noqa: E402


@contextmanager
def spoiled_bytes() -> Iterator[None]:
    def store(name: str, data: bytes) -> None:
        storage.write_once(name, data[:-40] + bytes(40))

    with mock.patch.object(publishing, "_store", store):
        yield


@contextmanager
def spoiled_signature() -> Iterator[None]:
    """That of a key that nobody knows."""

    def sign(sha256: str, pack_id: str) -> str:
        with override_settings(MODEL_SIGNING_KEY=signing.make_pair()[0]):
            return real(sha256, pack_id)

    real = signing.sign
    with mock.patch.object(signing, "sign", sign):
        yield


@contextmanager
def sound() -> Iterator[None]:
    yield


def main(swaps: int, number: int) -> None:
    dice = random.Random(number)
    generations = {}
    point = publishing._point

    def noted(pointer: ActiveModel, trained: TrainedModel | None) -> ActiveModel:
        moved = point(pointer, trained)
        if trained:
            generations[trained.pk] = moved.generation
        return moved

    with mock.patch.object(publishing, "_point", noted):
        for turn in range(swaps):
            settings.FALSE_ALARM_RATE = dice.uniform(0.0005, 0.05)
            spoil = dice.choice([spoiled_bytes, spoiled_signature]) if turn % 20 == 1 else sound
            with spoil():
                trained = train()
            facts = {"model": trained.pk, "generation": generations[trained.pk], "at": time.time()}
            print(json.dumps(facts | {"spoiled": spoil is not sound}), flush=True)
            time.sleep(dice.uniform(0.5, 1.5))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
