"""A program that is asked to stop does so, whatever its main thread is at."""

import signal
import subprocess
import sys

import pytest

WAITING = """
import os
from edge_client.stopping import stop_on_signals
stop = stop_on_signals()
with stop._cond:  # where a thread is for a moment that begins or ends to wait
    os.kill(os.getpid(), {number})
    for _ in range(1000):
        pass
assert stop.wait(30)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_comes_as_the_program_begins_to_wait_is_heard(number: signal.Signals) -> None:
    done = subprocess.run([sys.executable, "-c", WAITING.format(number=int(number))], timeout=60, check=False)
    assert done.returncode == 0
