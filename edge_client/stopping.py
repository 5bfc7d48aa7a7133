"""How a program is asked to stop."""

import signal
import threading
from queue import SimpleQueue


def stop_on_signals() -> threading.Event:
    """An event that SIGINT and SIGTERM set. For the main thread."""
    stop = threading.Event()
    # The main thread runs the handler wherever it is, maybe inside the event, which it would then wait for itself to
    # let go of. Only this kind of queue may be put into from there.
    asked: SimpleQueue[None] = SimpleQueue()

    def on_signal(number: int, _frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)  # who asks twice does not want to wait
        asked.put(None)

    def pass_on() -> None:
        asked.get()
        stop.set()

    threading.Thread(target=pass_on, name="stopping", daemon=True).start()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    return stop
