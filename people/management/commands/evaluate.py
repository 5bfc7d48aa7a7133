"""`manage.py evaluate DIR`: how well your own photos are recognised. Writes neither to the database nor to disk."""

import json
from argparse import ArgumentParser
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from people.evaluation import ENROLLED_PHOTOS, Evaluation, EvaluationError, evaluate
from recognition.engine.errors import GallerySizeError, PackError
from recognition.engine.evaluation import Measured, estimate, identification, rank1, threshold_at
from recognition.engine.packs import open_pack
from recognition.engine.pipeline import Pipeline

RATES = (0.1, 0.01, 0.001)


class Command(BaseCommand):
    help = (
        "Enrols people from photos in DIR/people/NAME/ and asks who is in their other photos and in those of "
        "DIR/strangers/NAME/. Without these two folders, of the people in DIR/NAME/ every second one is a stranger."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("folder", type=Path, metavar="DIR")
        parser.add_argument("--pack", default=settings.PACK, help="name of a built pack (%(default)s)")
        parser.add_argument("--json", action="store_true", help="print the figures as JSON")

    def handle(self, *, folder: Path, pack: str, **options: Any) -> None:
        # A thread per core looks at photos: OpenCV's own would only get in the way.
        cv2.setNumThreads(1)
        try:
            engine = Pipeline(open_pack(settings.PACKS_DIR / pack))
            found = evaluate(folder, engine, self._show_progress)
        except (PackError, GallerySizeError, EvaluationError, OSError) as error:
            raise CommandError(str(error)) from error
        figures = _figures(found) | {"pack": engine.pack_id}
        self.stdout.write(json.dumps(figures) if options["json"] else _table(figures))

    def _show_progress(self, done: int, total: int) -> None:
        self.stderr.write(f"  {done} of {total} photos")


def _figures(found: Evaluation) -> dict[str, Any]:
    probes, threshold = found.probes, found.classifier.threshold
    return {
        "photos": found.photos,
        "refused": dict(found.refusals),
        "enrolled": found.enrolled,
        "probes": len(probes.scores),
        "strangers": found.strangers,
        "stranger_photos": len(probes.stranger_scores),
        "rank1": _rate(estimate(rank1, probes)),
        "at_rate": [
            {
                "false_alarm_rate": rate,
                "named": _rate(estimate(partial(identification, false_alarm_rate=rate), probes)),
                "threshold": round(threshold_at(probes, rate), 4),
            }
            for rate in RATES
        ],
        "classifier": found.classifier.kind,
        "own_threshold": round(threshold, 4),
        "false_alarm_rate": settings.FALSE_ALARM_RATE,
        "false_alarms": _rate(estimate(lambda probes: float(np.mean(probes.stranger_scores >= threshold)), probes)),
        "named": _rate(estimate(lambda probes: float(np.mean(probes.right & (probes.scores >= threshold))), probes)),
        "expected_miss_rate": found.classifier.expected_miss_rate,
        "odd_photos": len(found.mixups.photos),
        "look_alikes": [pair.labels for pair in found.mixups.people],
    }


def _rate(measured: Measured) -> dict[str, float]:
    return {"rate": round(measured.rate, 5), "error": round(measured.error, 5)}


def _table(figures: dict[str, Any]) -> str:
    refused = "; ".join(f"{count} {reason.lower()}" for reason, count in figures["refused"].items()) or "none"
    miss = figures["expected_miss_rate"]
    expected = "not known: nobody has two enrolled photos" if miss is None else f"{100 * miss:6.2f} %"
    strangers, threshold = figures["stranger_photos"], figures["own_threshold"]
    lines = [
        f"Pack {figures['pack']}, classifier {figures['classifier']}",
        f"Photos     {figures['photos']}; refused as enrolment would: {refused}",
        f"People     {figures['enrolled']} enrolled on up to {ENROLLED_PHOTOS} photos each",
        f"Asked      {figures['probes']} other photos of them, {strangers} photos of {figures['strangers']} strangers",
        "",
        f"Nearest person is the right one         {_percent(figures['rank1'])}",
        "Strangers named    Photos named rightly   Threshold",
        *(
            f"  {100 * row['false_alarm_rate']:5.1f} %         {_percent(row['named'])}      {row['threshold']:.3f}"
            for row in figures["at_rate"]
        ),
        f"  (below {100 / strangers:.1f} % means: none of the {strangers} photos of strangers)",
        "",
        f"With FALSE_ALARM_RATE={figures['false_alarm_rate']} training would set the threshold {threshold:.3f}:",
        f"  strangers named        {_percent(figures['false_alarms'])}",
        f"  photos named rightly   {_percent(figures['named'])}",
        f"  expected to be missed  {expected}",
        "",
        f"{figures['odd_photos']} photos look like another person than the others of the same name",
        f"{len(figures['look_alikes'])} pairs of names look like one person",
        *(f"  {one} and {other}" for one, other in figures["look_alikes"]),
    ]
    return "\n".join(lines)


def _percent(measured: dict[str, float]) -> str:
    return f"{100 * measured['rate']:6.2f} % ± {100 * measured['error']:.2f}"
