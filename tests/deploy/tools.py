"""Programs that requirements-dev.txt installs beside Python, and files of the repository."""

import subprocess
import sys
from pathlib import Path

from django.conf import settings

REPOSITORY: Path = settings.BASE_DIR


def run(tool: str, *arguments: object, **options: object) -> str:
    """Standard output and error of a tool; fails the test unless it ends well."""
    command = [Path(sys.executable).parent / tool, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=REPOSITORY, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def tracked(*patterns: str) -> list[Path]:
    """Files of the repository that Git knows, or would: none that are ignored."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns]
    listed = subprocess.run(command, capture_output=True, text=True, check=True, cwd=REPOSITORY).stdout
    return [path for path in map(REPOSITORY.joinpath, listed.splitlines()) if path.exists()]
