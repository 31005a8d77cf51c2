"""Child processes that a tool leaves: ended with the tool, also those in sessions of their own."""

from __future__ import annotations

import ctypes
import os
import signal
from contextlib import suppress
from pathlib import Path

_SUBREAPER = 36
"""``PR_SET_CHILD_SUBREAPER`` of Linux: orphans become children of this process instead of process 1."""
_ROUNDS = 100
"""Maximum number of generations to end: the children of an ended process become children of this one."""


def adopt() -> frozenset[int]:
    """Adopt orphaned descendants of this process from now on; return the present children."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    return _children()


def end(before: frozenset[int]) -> int:
    """End all children that are not in ``before``, and their descendants; return their number."""
    ended: set[int] = set()
    for _ in range(_ROUNDS):
        left = _children() - before
        if not left:
            break
        for child in left:
            # a process of another user cannot be ended from here, and is not waited for
            with suppress(ProcessLookupError, PermissionError, ChildProcessError):
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
        ended |= left
    return len(ended)


def _children() -> frozenset[int]:
    """Return the process ids of the children; none without ``/proc``."""
    found = set()
    for place in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, ValueError, IndexError):
            # the name is in brackets, and may itself contain brackets
            if int(place.read_text(errors="replace").rpartition(")")[2].split()[1]) == os.getpid():
                found.add(int(place.parent.name))
    return frozenset(found)
