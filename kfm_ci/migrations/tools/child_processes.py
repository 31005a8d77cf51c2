"""Processes that a tool leaves behind: they end with it, also those that made sessions of their own."""

from __future__ import annotations

import ctypes
import os
import signal
from contextlib import suppress
from pathlib import Path

_SUBREAPER = 36
"""``PR_SET_CHILD_SUBREAPER`` of Linux: whose parent ends becomes a child of ours instead of the first process's."""
_ROUNDS = 100
"""So many generations: each that is ended hands its own children on."""


def adopt() -> frozenset[int]:
    """Take orphans below this process in from now on; return the children that there are already."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    return _children()


def end(before: frozenset[int]) -> int:
    """End all children that were not there before, and those that they leave; return how many there were."""
    ended: set[int] = set()
    for _ in range(_ROUNDS):
        left = _children() - before
        if not left:
            break
        for child in left:
            # one of another user cannot be ended by us, and is not waited for
            with suppress(ProcessLookupError, PermissionError, ChildProcessError):
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
        ended |= left
    return len(ended)


def _children() -> frozenset[int]:
    """Return our children's process ids; none where there is no ``/proc``."""
    found = set()
    for place in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, ValueError, IndexError):
            # the name stands in brackets, and may hold any
            if int(place.read_text(errors="replace").rpartition(")")[2].split()[1]) == os.getpid():
                found.add(int(place.parent.name))
    return frozenset(found)
