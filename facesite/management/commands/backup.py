"""`manage.py backup FILE`."""

from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from facesite.backing_up import back_up
from recognition.storage import StorageUnavailableError


class Command(BaseCommand):
    help = "Writes database, photos and models to one file, while everything runs. It holds faces: encrypt it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="such as facesite-2026-11-26.tar.gz; there must be none yet")

    def handle(self, *, file: Path, **options: object) -> None:
        try:
            found = back_up(file)
        except (OSError, StorageUnavailableError) as error:
            raise CommandError(f"No backup was made: {error}") from error
        self.stdout.write(f"{file}: {found['rows']} rows and {found['files']} files.")
        if found["gone"]:
            self.stdout.write(f"{found['gone']} files were erased or replaced meanwhile.")
