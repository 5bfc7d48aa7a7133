"""Where the processes of one program count together: in files that they map into memory, so a count costs no call of
the system, and survives the process that made it.

The folder of a program ends with its host and process id. Programs that share METRICS_DIR on one machine (`make run`)
are read together; those of other machines are left alone.

On a disk that fills up such a file ends its process (SIGBUS), so METRICS_DIR should be on another than the data.
"""

import os
import shutil
import socket
from collections.abc import Callable, Iterable
from pathlib import Path

from prometheus_client import Metric, values
from prometheus_client.multiprocess import MultiProcessCollector

FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # where prometheus_client looks


def count_together(root: Path, program: str, process: Callable[[], object] = os.getpid) -> None:
    """To be called before the program forks, and before it imports what counts.

    `process`: names the file of a process; a process that replaces another may go on in its file.
    """
    for folder in _folders(root):
        pid = int(folder.name.rpartition("-")[2])
        if pid == os.getpid() or not _is_alive(pid):
            shutil.rmtree(folder, ignore_errors=True)
    own = root / f"{program}@{socket.gethostname()}-{os.getpid()}"
    own.mkdir(parents=True)
    os.environ[FOLDER] = str(own)
    values.ValueClass = values.MultiProcessValue(process)


def is_counted_together() -> bool:
    return FOLDER in os.environ


class Files:
    """What all programs of this machine have counted."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def collect(self) -> Iterable[Metric]:
        files = [str(file) for folder in _folders(self._root) for file in folder.glob("*.db")]
        return MultiProcessCollector.merge(files)


def _folders(root: Path) -> list[Path]:
    return sorted(root.glob(f"*@{socket.gethostname()}-*"))


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
