"""The only reader of the wall clock; everything else is handed a ``Clock``."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Where a run's times come from."""

    def now(self) -> datetime:
        """Return the current instant, in UTC."""
        ...

    def milliseconds(self) -> float:
        """Return a monotonic reading, in milliseconds; only differences mean anything."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """Return the current instant, in UTC."""
        return datetime.now(UTC)

    def milliseconds(self) -> float:
        """Return a monotonic reading, in milliseconds; only differences mean anything."""
        return time.perf_counter() * 1000.0


def timestamp(moment: datetime) -> str:
    """Return RFC 3339 with a ``Z``, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
