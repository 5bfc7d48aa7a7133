"""Fifty people and ten models of them: `python -m tests.faults.crowd`, in the environment of a prepared site.

One of them, whose photo is real, is the one to be erased.
"""

import os

import django
import numpy as np

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "facesite.settings")
django.setup()

from django.conf import settings  # noqa: E402 - Django has to be set up
from django.utils import timezone  # noqa: E402

from facesite.demo_video import portraits  # noqa: E402
from people.enrolment import add_photo  # noqa: E402
from people.models import Embedding, Person, Photo  # noqa: E402
from people.training import train  # noqa: E402
from recognition.engine.images import encode_jpeg  # noqa: E402
from recognition.loader import pipeline  # noqa: E402

VICTIM = "Grace of Fault Fourteen"
PEOPLE, MODELS = 50, 10


def main() -> None:
    basis = {"legal_basis": Person.LegalBasis.CONSENT, "legal_basis_date": timezone.localdate()}
    victim = Person.objects.create(face_id=VICTIM, **basis)
    assert add_photo(victim, encode_jpeg(portraits()["grace_hopper"])).is_accepted
    random = np.random.default_rng(14)
    for number in range(PEOPLE - Person.objects.count()):
        person = Person.objects.create(face_id=f"Neighbour {number}", **basis)
        photo = Photo.objects.create(person=person, sha256=f"{number:064}", explanation="Accepted.")
        vector = random.normal(size=pipeline().dimension)
        vector = (vector / np.linalg.norm(vector)).astype("<f4").tobytes()
        Embedding.objects.create(photo=photo, pack_id=pipeline().pack_id, vector=vector)
    for number in range(MODELS):
        settings.FALSE_ALARM_RATE = 0.001 + number / 10_000
        train()


if __name__ == "__main__":
    main()
