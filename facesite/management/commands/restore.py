"""`manage.py restore FILE`."""

from argparse import ArgumentParser
from pathlib import Path

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from facesite.archive import ArchiveError, Reader
from facesite.restoring import NotRestorableError, restore
from recognition.storage import StorageUnavailableError


class Command(BaseCommand):
    help = "Restores a backup, and erases again whoever was erased since. Web, workers and scheduler must be stopped."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--newer",
            type=Path,
            nargs="*",
            default=[],
            metavar="FILE",
            help="backups made later, for the erasures they know of: where storage was lost too",
        )
        parser.add_argument("--replace", action="store_true", help="give up all that is stored here now")

    def handle(self, *, file: Path, newer: list[Path], replace: bool, **options: object) -> None:
        call_command("migrate", verbosity=0, stdout=self.stdout)
        try:
            found = restore(Reader(file), [Reader(one) for one in newer], replace=replace)
        except (ArchiveError, NotRestorableError, StorageUnavailableError) as error:
            raise CommandError(f"Nothing was restored: {error}") from error
        self.stdout.write(
            f"{found['rows']} rows and {found['files']} files are back; {found['erased_again']} people were erased "
            "again.\nCheck API keys and accounts: what was revoked since is back too. Then start everything, and run "
            "`manage.py doctor`."
        )
