"""Stand-ins for the programs that reach a cloud or a cluster, and a copy of the scripts that call them."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.deploy.tools import REPOSITORY


class Cloud:
    """It remembers what was made; nothing outside this machine is asked."""

    def __init__(self, folder: Path) -> None:
        self.copy, self._state, self._bin = folder / "copy", folder / "state", folder / "bin"
        for path in (self.copy, self._state, self._bin):
            path.mkdir()
        for name in ("k8s", "docker"):
            shutil.copytree(REPOSITORY / name, self.copy / name, ignore=shutil.ignore_patterns("secrets", ".deployed"))
        for name in ("az", "kubectl"):
            program = self._bin / name
            stand_in = REPOSITORY / "tests" / "deploy" / "stand_in.py"
            program.write_text(f'#!/bin/sh\nexec {sys.executable} -IS {stand_in} {name} "$@"\n')
            program.chmod(0o755)

    def run(
        self, script: str, *arguments: str, fails: str = "", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """A script of the copy. A call of a stand-in with the words `fails` in it fails."""
        (self._state / "calls").write_text("")
        own = {"STAND_IN": str(self._state), "STAND_IN_FAILS": fails, "PATH": f"{self._bin}:{os.environ['PATH']}"}
        return subprocess.run(
            [self.copy / script, *arguments],
            env=os.environ | own | environment,
            capture_output=True,
            text=True,
            check=False,
        )

    @property
    def calls(self) -> list[str]:
        """Those of the last run."""
        return (self._state / "calls").read_text().splitlines()

    @property
    def made(self) -> list[str]:
        return (self._state / "made").read_text().splitlines()

    def secret(self, name: str) -> dict[str, str]:
        """What the cluster was given under this name."""
        return json.loads((self._state / f"secret-{name}.json").read_text())
