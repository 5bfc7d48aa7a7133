"""`manage.py collect_orphans`: what retention does part by part within a day, at once."""

from argparse import ArgumentParser
from datetime import timedelta

from django.core.management.base import BaseCommand, CommandError

from people import orphans
from recognition import publishing
from recognition.storage import StorageUnavailableError


class Command(BaseCommand):
    help = "Deletes photo files and model artifacts in storage that a crash has left without a row."

    def add_arguments(self, parser: ArgumentParser) -> None:
        minutes = int(orphans.UPLOAD_IS_OVER / timedelta(minutes=1))
        parser.add_argument(
            "--older-than",
            type=int,
            default=minutes,
            metavar="MINUTES",
            help="leave younger photo files alone: an upload may be about to commit (%(default)s; 0 only while no web "
            "process runs)",
        )

    def handle(self, *, older_than: int, **options: object) -> None:
        try:
            photos = orphans.collect(timedelta(minutes=older_than))
            artifacts = publishing.delete_stray_artifacts()
        except StorageUnavailableError as error:
            raise CommandError(f"{error} Run the command again when it does.") from error
        self.stdout.write(f"Deleted {photos} photo files and {artifacts} artifacts.")
