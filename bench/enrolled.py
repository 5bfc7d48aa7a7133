"""Sets up an installation with people enrolled and trained: `python -m bench.enrolled FOLDER PEOPLE [CAMERAS]`.

FOLDER holds `<Name>/photo.jpg`. Prints the key of an edge node with so many cameras, if any: camera-0, camera-1, …; and
last an API key that may ask who is in an image.
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
from detections.models import Camera, EdgeNode, Location  # noqa: E402
from people.enrolment import add_photo  # noqa: E402
from people.models import Person  # noqa: E402
from people.training import train  # noqa: E402

PHOTOS_EACH = 3


def main(folder: Path, people: int, cameras: int = 0) -> None:
    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    for place in sorted(folder.iterdir())[:people]:
        person = Person.objects.create(
            face_id=place.name, legal_basis=Person.LegalBasis.CONSENT, legal_basis_date=date(2026, 1, 1)
        )
        for photo in sorted(place.glob("*.jpg"))[:PHOTOS_EACH]:
            add_photo(person, photo.read_bytes())
    train()
    if cameras:
        print(_node(cameras))
    print(ApiKey(name="bench", scope=ApiKey.Scope.INTEGRATION).issue())


def _node(cameras: int) -> str:
    place = Location.objects.create(name="Hall")
    names = [f"camera-{number}" for number in range(cameras)]
    made = Camera.objects.bulk_create(Camera(id=name, name=name, location=place) for name in names)
    key = ApiKey(name="node", scope=ApiKey.Scope.EDGE)
    text = key.issue()
    node = EdgeNode.objects.create(name="node")
    node.cameras.set(made)
    node.keys.add(key)
    return text


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
