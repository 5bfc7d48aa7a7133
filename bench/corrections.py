"""What it brings to say "wrong person": `python -m bench.corrections --data FOLDER`.

Of the people, half are enrolled on three photos each; the others are strangers who come again. With their first two
photos some of them are named, wrongly: that is corrected, and a model trained that knows of it. Alarms: of those
strangers' other photos, the share that is still given that same wrong name. Missed: of the enrolled people's other
photos, the share that is not named rightly; once of everyone, once of those whose name was corrected. Means of many
random divisions. The last line is JSON.
"""

import json
import sys
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.corpus import ENROLLED_PHOTOS, Embedded, embedded, parser, photos
from recognition.engine import fitting
from recognition.engine.classifier import LinearClassifier
from recognition.engine.fitting import Rejected, fit
from recognition.engine.packs import Pack, open_pack

RATE = 0.01
SEEN_FIRST = 2
AWAY = (0.0, 0.1, 0.15, 0.2, 0.25)


@dataclass(frozen=True, eq=False)
class Outcome:
    """Sums over divisions, of photos."""

    alarms: int = 0
    again: int = 0
    missed: int = 0
    photos: int = 0
    missed_of_corrected: int = 0
    photos_of_corrected: int = 0


def main(arguments: list[str]) -> int:
    options = parser("corrections", __doc__.splitlines()[0])
    options.add_argument("--splits", type=int, default=40)
    chosen = options.parse_args(arguments)
    faces = embedded(chosen.pack, photos(chosen.data / "people"), chosen.keep)
    pack = open_pack(chosen.pack)
    table = {}
    for away in AWAY:
        fitting._AWAY = away  # noqa: SLF001 - this is what it was chosen by
        totals = np.sum([measure(faces, pack, split) for split in range(chosen.splits)], axis=0)
        alarms, again, missed, count, missed_corrected, count_corrected = totals.tolist()
        table[away] = {
            "corrected": alarms,
            "named so again": again / max(alarms, 1),
            "missed": missed / count,
            "missed of corrected": missed_corrected / max(count_corrected, 1),
        }
        print(away, {name: round(value, 4) for name, value in table[away].items()})
    print(json.dumps(table))
    return 0


def measure(faces: Embedded, pack: Pack, split: int) -> NDArray[np.intp]:
    usable = faces.vectors.any(axis=1)
    drawn = np.random.default_rng(split).permutation(faces.people) < faces.people // 2
    is_enrolled = drawn[faces.owners] & usable
    trained = is_enrolled & (faces.ranks < ENROLLED_PHOTOS)
    others = is_enrolled & (faces.ranks >= ENROLLED_PHOTOS)
    labels = [str(owner) for owner in faces.owners[trained]]
    strange = ~drawn[faces.owners] & usable
    first, later = strange & (faces.ranks < SEEN_FIRST), strange & (faces.ranks >= SEEN_FIRST)

    def named(classifier: LinearClassifier, rows: NDArray[np.bool_]) -> NDArray[np.str_]:
        return np.array([one.label or "" for one in classifier.identify(faces.vectors[rows])])

    before = fit("gallery", faces.vectors[trained], labels, false_alarm_rate=RATE, pack=pack)
    wrong = named(before, first)
    alarmed = np.flatnonzero(first)[wrong != ""]
    rejected = Rejected(faces.vectors[alarmed], wrong[wrong != ""].tolist())
    after = fit("gallery", faces.vectors[trained], labels, false_alarm_rate=RATE, pack=pack, rejected=rejected)
    taken_for = set(zip(faces.owners[alarmed].tolist(), rejected.labels, strict=True))
    concerned = np.isin(faces.owners[later], faces.owners[alarmed])
    again = sum(
        (owner, label) in taken_for
        for owner, label in zip(faces.owners[later][concerned].tolist(), named(after, later)[concerned], strict=True)
    )
    is_missed = named(after, others) != faces.owners[others].astype(str)
    is_corrected = np.isin(faces.owners[others].astype(str), rejected.labels)
    return np.array(
        [concerned.sum(), again, is_missed.sum(), len(is_missed), is_missed[is_corrected].sum(), is_corrected.sum()]
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
