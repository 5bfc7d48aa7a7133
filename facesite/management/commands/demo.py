"""Prepares the demo: a video of two people, one of them enrolled, a camera, an edge key. Safe to run again."""

import os

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from access.models import ApiKey
from detections.models import Camera, EdgeNode, Location
from facesite.demo_video import enrolment_photos, make_demo_video
from people.enrolment import DuplicatePhotoError, add_photo
from people.models import Person, today
from people.training import train
from recognition.models import ActiveModel

PERSON = "Eileen Collins"
CAMERA = "demo-entrance"
NODE = "Demo edge node"


class Command(BaseCommand):
    help = __doc__

    def handle(self, *args: object, **options: object) -> None:
        folder = settings.DATA_DIR / "demo"
        folder.mkdir(parents=True, exist_ok=True)
        video = folder / "entrance.mp4"
        if not video.exists():
            self.stdout.write("Making the demo video")
            make_demo_video(video)
        self._camera_and_key(folder)
        person = self._person()
        if not ActiveModel.objects.filter(model__labels__label=person.label).exists():
            self.stdout.write("Training the first model")
            train()

    def _camera_and_key(self, folder: os.PathLike) -> None:
        place, _ = Location.objects.get_or_create(name="Main entrance")
        camera, _ = Camera.objects.get_or_create(id=CAMERA, defaults={"name": "Demo camera", "location": place})
        node, _ = EdgeNode.objects.get_or_create(name=NODE)
        node.cameras.add(camera)
        key_file = folder / "edge-key"
        if key_file.exists() and node.keys.all().live().exists():
            return
        key = ApiKey(name=NODE, scope=ApiKey.Scope.EDGE)
        token = key.issue()
        node.keys.add(key)
        with os.fdopen(os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(token)

    def _person(self) -> Person:
        defaults = {
            "legal_basis": Person.LegalBasis.LEGITIMATE_INTERESTS,
            "legal_basis_date": today(),
        }
        person, _ = Person.objects.get_or_create(face_id=PERSON, defaults=defaults)
        if person.photos.filter(refusal="").exists():
            return person
        self.stdout.write(f"Enrolling {PERSON}")
        for data in enrolment_photos():
            try:
                photo = add_photo(person, data)
            except DuplicatePhotoError:
                continue
            if not photo.is_accepted:
                raise CommandError(f"A demo photo was refused: {photo.explanation}")
        return person
