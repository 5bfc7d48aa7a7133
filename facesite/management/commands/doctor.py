"""`manage.py doctor`: is everything well? Ends with 1 if something is not."""

import sys

from django.core.management.base import BaseCommand

from facesite.examining import Level, examine


class Command(BaseCommand):
    help = "Checks settings, database, broker, storage, pack, model, keys, disk, clock and processes; says what to do."
    requires_system_checks = ()  # they are among what is looked at

    def handle(self, *args: object, **options: object) -> None:
        failed = False
        for finding in examine():
            self.stdout.write(str(finding))
            self.stdout.flush()
            failed = failed or finding.level is Level.FAIL
        if failed:
            sys.exit(1)
