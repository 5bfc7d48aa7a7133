"""Celery's pool of children, such that a child may be killed at any moment and the others go on.

Without an event loop, that is with a folder of messages as the broker, idle children queue for a lock to wait for work.
Celery's own lock stays locked for ever when the child that has it dies; one on a file is taken off by the kernel.
"""

import fcntl
import tempfile

from celery.concurrency import prefork


class _FileLock:
    """Between processes, each of which uses it in one thread."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the process lives

    def acquire(self) -> bool:
        fcntl.lockf(self._file, fcntl.LOCK_EX)
        return True

    def release(self) -> None:
        fcntl.lockf(self._file, fcntl.LOCK_UN)

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


class _SturdyPool(prefork.TaskPool.BlockingPool):
    def _setup_queues(self) -> None:
        super()._setup_queues()
        for queue in (self._inqueue, self._outqueue):
            queue._rlock, queue._wlock = _FileLock(), _FileLock()  # noqa: SLF001


class TaskPool(prefork.TaskPool):
    BlockingPool = _SturdyPool
