"""Sets up the data folder DATA_DIR with people enrolled and trained: `python -m bench.enrolled FOLDER PEOPLE`.

FOLDER holds `<Name>/photo.jpg`. Prints an API key that may ask who is in an image.
"""

import os
import sys
from datetime import date
from pathlib import Path

import django
from django.core.management import call_command

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "facesite.settings")
django.setup()

from access.models import ApiKey  # noqa: E402 - models need Django set up
from people.enrolment import add_photo  # noqa: E402
from people.models import Person  # noqa: E402
from people.training import train  # noqa: E402

PHOTOS_EACH = 3


def main(folder: Path, people: int) -> None:
    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    for place in sorted(folder.iterdir())[:people]:
        person = Person.objects.create(
            face_id=place.name, legal_basis=Person.LegalBasis.CONSENT, legal_basis_date=date(2026, 1, 1)
        )
        for photo in sorted(place.glob("*.jpg"))[:PHOTOS_EACH]:
            add_photo(person, photo.read_bytes())
    train()
    print(ApiKey(name="bench", scope=ApiKey.Scope.INTEGRATION).issue())


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
