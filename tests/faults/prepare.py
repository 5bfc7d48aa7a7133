"""Makes an installation ready for a test: `python -m tests.faults.prepare`, in its environment. Prints an API key."""

import os

import django
from django.core.management import call_command
from django.utils import timezone

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "facesite.settings")
django.setup()

from access.models import ApiKey  # noqa: E402 - models need Django set up
from detections.models import Camera, Location  # noqa: E402
from facesite.demo_video import enrolment_photos  # noqa: E402
from people.enrolment import add_photo  # noqa: E402
from people.models import Person  # noqa: E402
from people.training import train  # noqa: E402
from tests.faults.load import CAMERAS, PERSON  # noqa: E402


def main() -> None:
    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    place = Location.objects.create(name="Hall")
    Camera.objects.bulk_create(Camera(id=name, name=name, location=place) for name in CAMERAS)
    basis = {"legal_basis": Person.LegalBasis.CONSENT, "legal_basis_date": timezone.localdate()}
    person = Person.objects.create(face_id=PERSON, **basis)
    for photo in enrolment_photos():
        add_photo(person, photo)
    train()
    print(ApiKey(name="faults", scope=ApiKey.Scope.OPERATOR).issue())


if __name__ == "__main__":
    main()
