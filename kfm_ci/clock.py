"""The wall clock, which is passed to all other modules as a ``Clock``."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Source of times."""

    def now(self) -> datetime:
        """Return the current instant, in UTC."""
        ...

    def milliseconds(self) -> float:
        """Return a monotonic reading in milliseconds; only the difference of two readings has a meaning."""
        ...


class SystemClock:
    """The clock of the machine."""

    def now(self) -> datetime:
        """Return the current instant, in UTC."""
        return datetime.now(UTC)

    def milliseconds(self) -> float:
        """Return a monotonic reading in milliseconds; only the difference of two readings has a meaning."""
        return time.perf_counter() * 1000.0


def timestamp(moment: datetime) -> str:
    """Return a time in RFC 3339 with ``Z``, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
