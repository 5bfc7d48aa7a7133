"""`alive.py web|worker|scheduler|edge`: does the process of this container live? Exit code 0: yes.

Asks neither database nor broker: to restart a process because another one is away would only add to the trouble.
"""

import os
import sys
import urllib.request
from pathlib import Path

PATIENCE_S = 5
ADDRESSES = {
    "web": f"http://localhost:{os.environ.get('PORT') or 8000}/healthz",  # as start.sh tells it
    "edge": "http://127.0.0.1:8321/status.json",
}
# A worker without a child works on nothing.
PROCESSES = {"worker": ("worker", 2), "scheduler": ("beat", 1)}


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=PATIENCE_S) as answer:  # noqa: S310 - our own address
            return answer.status == 200
    except OSError:
        return False


def count(command: str, processes: Path = Path("/proc")) -> int:
    """How many processes of Celery run this command of it. One that is dead and not buried has no command line."""
    found = 0
    for path in processes.glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
        except OSError:
            continue  # it has just ended
        found += command.encode() in words and any(word.rpartition(b"/")[2] == b"celery" for word in words)
    return found


def is_alive(what: str) -> bool:
    if what in ADDRESSES:
        return answers(ADDRESSES[what])
    command, least = PROCESSES[what]
    return count(command) >= least


if __name__ == "__main__":
    sys.exit(not is_alive(sys.argv[1]))
