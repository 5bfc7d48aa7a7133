"""What another false-alarm rate would have made of the faces that the model in service has seen."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import QuerySet
from django.utils import timezone

from detections.models import Detection
from recognition.engine.calibration import TradeOff
from recognition.models import TrainedModel

# Enough to tell by, and few enough to be counted while somebody moves a slider.
LOOKED_AT = 2000
# To find them among what other models said meanwhile, if this one was put back into service.
READ = 5 * LOOKED_AT
SINCE = timedelta(days=7)


@dataclass(frozen=True)
class Effect:
    """Of the newest named and unknown detections: how many there are, and how many would be the other."""

    named: int
    unknown: int
    lost: int
    won: int


def choices(trained: TrainedModel) -> list[TradeOff]:
    """What can be chosen, the strictest first; nothing for models that were trained before this was recorded."""
    return [TradeOff(**one) for one in trained.trade_offs or ()]


def effect(trained: TrainedModel, chosen: TradeOff) -> Effect:
    """What the choice would change, had it held already."""
    since = max(trained.created_at, timezone.now() - SINCE)
    seen = Detection.objects.filter(captured_at__gte=since).order_by("-captured_at", "-id")
    named = _certainties(trained, seen.filter(person__isnull=False))
    unknown = _certainties(trained, seen.filter(person=None))
    present = next((one for one in choices(trained) if one.false_alarm_rate == trained.false_alarm_rate), chosen)
    return Effect(
        named=len(named),
        unknown=len(unknown),
        lost=sum(certainty < chosen.certainty for certainty in named),
        # Whoever is unknown although surer than the present threshold is so for another reason, as an expired basis.
        won=sum(chosen.certainty <= certainty < present.certainty for certainty in unknown),
    )


def _certainties(trained: TrainedModel, rows: QuerySet[Detection]) -> list[float]:
    """Of the newest that this model said, and nobody put right. The database is not asked for its alone: it would walk
    through all there are, since a new model has few.
    """
    newest = rows.values_list("model", "probability", "corrected_at")[:READ]
    return [certainty for model, certainty, put_right in newest if model == trained.pk and not put_right][:LOOKED_AT]
