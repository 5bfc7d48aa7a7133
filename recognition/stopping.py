"""Tells the children of a worker that it is to stop, so that they finish what they have in hand and begin nothing.

They are forks of the worker and share this one byte with it; so this is imported before it forks.
"""

import mmap

_asked = mmap.mmap(-1, 1)


def ask() -> None:
    _asked[0] = 1


def is_asked() -> bool:
    return bool(_asked[0])
