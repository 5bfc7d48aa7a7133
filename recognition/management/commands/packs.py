"""`manage.py packs list|build|verify`."""

import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from recognition.engine.errors import PackError
from recognition.engine.packs import open_pack
from recognition.packbuild.catalogue import RECIPES


class Command(BaseCommand):
    help = "Lists, builds or verifies packs (a face detector with an embedder)."
    # Building a pack is what repairs an installation whose checks fail for want of one.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("list", help="the known packs, and which are built")
        build = actions.add_parser("build", help="build a pack, unless it is there already")
        build.add_argument("--weights", type=Path, help="weights file, instead of the installed or downloaded one")
        build.add_argument("--force", action="store_true", help="build even what is there already")
        verify = actions.add_parser("verify", help="check every file of a pack")
        for action in (build, verify):
            action.add_argument("id", nargs="?", default=settings.PACK, choices=sorted(RECIPES))

    def handle(self, *, action: str, **options: Any) -> None:
        if action == "list":
            self._list()
        elif action == "build":
            self._build(options["id"], options["weights"], force=options["force"])
        else:
            self._verify(options["id"])

    def _list(self) -> None:
        for recipe in RECIPES.values():
            state = "built" if recipe.is_built(settings.PACKS_DIR / recipe.id) else "not built"
            used = ", in use" if recipe.id == settings.PACK else ""
            self.stdout.write(f"{recipe.id} ({state}{used})\n  licence: {recipe.licence}\n  {recipe.origin}")

    def _build(self, pack: str, weights: Path | None, *, force: bool) -> None:
        if not force and RECIPES[pack].is_built(settings.PACKS_DIR / pack):
            self.stdout.write(f"Pack {pack} is already built and verified. To build it again, add --force.")
            return
        command = [sys.executable, "-m", "recognition.packbuild", pack, str(settings.PACKS_DIR)]
        command += ["--weights", str(weights.resolve())] if weights else []
        # A process of its own: PyTorch, which building needs, is never loaded here.
        if subprocess.run(command, cwd=settings.BASE_DIR, check=False).returncode:  # noqa: S603 - our own module
            raise CommandError(f"Pack {pack} was not built; the reason is above.")

    def _verify(self, pack: str) -> None:
        try:
            opened = open_pack(settings.PACKS_DIR / pack)
        except PackError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Pack {opened.id} is whole: {len(opened.manifest.files)} files match their checksums.")
