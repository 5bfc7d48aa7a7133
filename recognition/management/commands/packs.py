"""`manage.py packs list|build|verify`."""

import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from recognition.engine.errors import PackError
from recognition.engine.packs import MANIFEST, Pack, open_pack
from recognition.packbuild.catalogue import ARCFACE, RECIPES

_PATHS = ("weights", "spec", "cohort")


class Command(BaseCommand):
    help = "Lists, builds or verifies packs (a face detector with an embedder)."
    # Building a pack is what repairs an installation whose checks fail for want of one.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("list", help="the known packs, and which are built")
        build = actions.add_parser("build", help="build a pack, unless it is there already")
        build.add_argument("--weights", type=Path, help="weights file, instead of the installed or downloaded one")
        build.add_argument("--spec", type=Path, help=f"the TOML file that describes an {ARCFACE} pack (docs/packs.md)")
        build.add_argument("--accept-licence", action="store_true", help=f"of an {ARCFACE} pack, without being asked")
        build.add_argument("--cohort", type=Path, help="folder of strangers to calibrate with: a photo or folder each")
        build.add_argument("--force", action="store_true", help="build even what is there already")
        verify = actions.add_parser("verify", help="check every file of a pack")
        for action in (build, verify):
            action.add_argument("id", nargs="?", default=settings.PACK)

    def handle(self, *, action: str, **options: Any) -> None:
        if action == "list":
            self._list()
        elif action == "build":
            self._build(options["id"], options)
        else:
            self._verify(options["id"])

    def _list(self) -> None:
        for recipe in RECIPES.values():
            state = "built" if recipe.is_built(settings.PACKS_DIR / recipe.id) else "not built"
            used = ", in use" if recipe.id == settings.PACK else ""
            self.stdout.write(f"{recipe.id} ({state}{used})\n  licence: {recipe.licence}\n  {recipe.origin}")
        self.stdout.write(f"{ARCFACE}\n  any ArcFace network that you describe: docs/packs.md")
        for path in sorted(settings.PACKS_DIR.glob(f"*/{MANIFEST}")):
            name = path.parent.name
            if name not in RECIPES:
                used = (
                    "kept for models trained with it" if "@" in name else "in use" if name == settings.PACK else "built"
                )
                self.stdout.write(f"{name} ({used})\n  licence: {open_pack(path.parent).manifest.licence}")

    def _build(self, name: str, options: dict[str, Any]) -> None:
        wanted = options["force"] or options["spec"] or options["cohort"]
        if not wanted and self._is_built(name):
            self.stdout.write(f"Pack {name} is already built and verified. To build it again, add --force.")
            return
        if name not in {*RECIPES, ARCFACE}:
            raise CommandError(
                f"{name} is none of {', '.join(RECIPES)}. "
                f"To build a pack of your own: python manage.py packs build {ARCFACE} --spec FILE (docs/packs.md)."
            )
        command = [sys.executable, "-m", "recognition.packbuild", name, str(settings.PACKS_DIR)]
        for option in _PATHS:
            command += [f"--{option}", str(options[option].resolve())] if options[option] else []
        command += ["--accept-licence"] if options["accept_licence"] else []
        # A process of its own: PyTorch, which building needs, is never loaded here.
        if subprocess.run(command, cwd=settings.BASE_DIR, check=False).returncode:  # noqa: S603 - our own module
            raise CommandError(f"Pack {name} was not built; the reason is above.")

    def _is_built(self, name: str) -> bool:
        folder = settings.PACKS_DIR / name
        if name in RECIPES:
            return RECIPES[name].is_built(folder)
        return (folder / MANIFEST).exists() and bool(self._open(name))

    def _verify(self, name: str) -> None:
        opened = self._open(name)
        self.stdout.write(f"Pack {opened.id} is whole: {len(opened.manifest.files)} files match their checksums.")

    def _open(self, name: str) -> Pack:
        try:
            return open_pack(settings.PACKS_DIR / name)
        except PackError as error:
            raise CommandError(str(error)) from error
