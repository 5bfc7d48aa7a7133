"""`manage.py models new-key|sign`."""

from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError

from recognition import publishing, signing
from recognition.storage import StorageUnavailableError


class Command(BaseCommand):
    help = "Makes keys that models are signed with, or signs the models of before."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("new-key", help="print a new pair of keys, for the settings")
        actions.add_parser("sign", help="sign live models that no known key has signed: after an upgrade or a new key")

    def handle(self, *, action: str, **options: object) -> None:
        if action == "new-key":
            private, public = signing.make_pair()
            self.stdout.write(
                f"# Where training runs, and nowhere else:\nMODEL_SIGNING_KEY={private}\n"
                f"# Everywhere else (while keys change: the former one too, after a comma):\nMODEL_VERIFY_KEYS={public}"
            )
            return
        try:
            signed, refused = publishing.sign_unsigned()
        except (signing.CannotSignError, StorageUnavailableError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Signed {signed} models." + (f" {refused} are damaged or missing." if refused else ""))
