"""How far a program has come: one line that changes on a terminal, a line now and then elsewhere."""

import sys
import time
from types import TracebackType
from typing import Self, TextIO

_REDRAW = 0.1  # seconds between changes of the line on a terminal
_REPORT = 15.0  # seconds between lines in a file or pipe
_CLEAR = "\x1b[K"  # to the end of the terminal's line (ECMA-48)


class Progress:
    """Counts steps of a job of `total` steps (None: nobody knows). `what` names them: photos, frames.

    On leaving the `with` block the last state stays as a line.
    """

    def __init__(self, what: str, total: int | None = None, stream: TextIO | None = None) -> None:
        self._what = what
        self._total = total
        self._stream = stream or sys.stderr
        self._live = self._stream.isatty()
        self._began = self._drawn = time.monotonic()
        self._detail = ""
        self.done = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._write("\n")

    def step(self, detail: str = "") -> None:
        """One more is done. `detail` joins the line."""
        self.done += 1
        self._detail = detail
        if time.monotonic() - self._drawn >= (_REDRAW if self._live else _REPORT):
            self._drawn = time.monotonic()
            # On a terminal the cursor goes back, so that the next line, also one of the log, takes the place.
            self._write("\r" if self._live else "\n")

    def say(self, text: str) -> None:
        """A result, on standard output, clear of the changing line."""
        if self._live:
            self._stream.write(_CLEAR)
            self._stream.flush()
        # Names of files may be no text at all.
        sys.stdout.write(f"{text.encode('utf-8', 'backslashreplace').decode()}\n")
        sys.stdout.flush()

    def _write(self, end: str) -> None:
        self._stream.write((_CLEAR if self._live else "") + self._line() + end)
        self._stream.flush()

    def _line(self) -> str:
        elapsed = time.monotonic() - self._began
        parts = [f"{self.done} of {self._total} {self._what}" if self._total else f"{self.done} {self._what}"]
        if self._detail:
            parts.append(self._detail)
        if self._total and 0 < self.done < self._total:
            left = round(elapsed / self.done * (self._total - self.done))
            parts.append(f"about {left // 60}:{left % 60:02d} left")
        return ", ".join(parts)
