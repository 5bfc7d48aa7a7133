"""Brings an installation up to date: pack, database, static files, first account and key. Safe to run again."""

import hashlib
import secrets
from pathlib import Path
from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser

from access.models import ApiKey
from detections.models import EdgeNode
from recognition import jobs, publishing, signing
from recognition.engine.packs import pack_id_in
from recognition.models import ActiveModel, Job

FIRST_NODE = "First edge node"


class Command(BaseCommand):
    help = __doc__
    requires_system_checks: ClassVar[list[str]] = []  # not before the pack is there, the lack of which they warn of

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--demo", action="store_true", help="also prepare the demo")

    def handle(self, *args: object, **options: object) -> None:
        self._step(1, "recognition pack")
        call_command("packs", "build", stdout=self.stdout)
        self.check()
        self._step(2, "database")
        call_command("migrate", verbosity=0, stdout=self.stdout)
        self._sign_models_of_before()
        self._train_for_another_pack()
        self._step(3, "static files")
        collect_static_files()
        self._step(4, "first account and edge key")
        made = [line for line in (self._admin(), self._edge_key()) if line]
        if made:
            rule = "─" * 100
            text = "\n".join(made)
            self.stdout.write(f"\n{rule}\nMade now, and shown only this once:\n{text}\n{rule}\n")
        if options["demo"]:  # in this very process: starting another takes seconds
            call_command("demo", stdout=self.stdout)

    def _step(self, number: int, what: str) -> None:
        self.stdout.write(f"[{number}/4] {what}")
        self.stdout.flush()

    def _sign_models_of_before(self) -> None:
        """What is set up with one command has database and key in one place: the one may vouch for the other."""
        if not signing.can_sign():
            return
        signed, refused = publishing.sign_unsigned()
        if signed or refused:
            self.stdout.write(f"      {signed} models were signed; {refused} are damaged or missing.")

    def _train_for_another_pack(self) -> None:
        pointer = ActiveModel.objects.select_related("model").first()
        if pointer and pointer.model and pointer.model.pack_id != pack_id_in(settings.PACKS_DIR / settings.PACK):
            # Embeds what has no vector of the pack yet, so running set-up again starts nothing over.
            jobs.request(Job.Kind.OPTIMIZED_TRAIN)
            self.stdout.write(
                "      The pack has changed. The worker will embed all photos with it and then train; until then the "
                "former one serves."
            )

    def _admin(self) -> str:
        if User.objects.exists():
            return ""
        password = secrets.token_urlsafe(12)
        User.objects.create_superuser("admin", password=password)
        return f"  login     admin / {password}   (to change it: .venv/bin/python manage.py changepassword admin)"

    def _edge_key(self) -> str:
        if EdgeNode.objects.exists():
            return ""
        node = EdgeNode.objects.create(name=FIRST_NODE)
        key = ApiKey(name=FIRST_NODE, scope=ApiKey.Scope.EDGE)
        token = key.issue()
        node.keys.add(key)
        return f"  edge key  {token}   (give the node its cameras in the admin)"


def collect_static_files() -> None:
    """Collected only when one of them is another: compressing them takes longer than all else of a later set-up."""
    found = [storage.path(name) for finder in get_finders() for name, storage in finder.list(None)]
    states = [(path, status.st_size, status.st_mtime_ns) for path in found for status in [Path(path).stat()]]
    state = hashlib.sha256(repr(states).encode()).hexdigest()
    collected = settings.STATIC_ROOT / ".collected"
    if collected.exists() and collected.read_text() == state:
        return
    call_command("collectstatic", interactive=False, verbosity=0)
    collected.write_text(state)
