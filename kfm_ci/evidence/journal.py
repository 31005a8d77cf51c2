"""The journal: what was attempted, flushed line by line, so that it is there whatever happens next."""

from __future__ import annotations

import json
from typing import Any, TextIO

from kfm_ci.clock import Clock, timestamp


class Journal:
    """Appends one JSON object a line."""

    def __init__(self, file: TextIO, clock: Clock) -> None:
        """Begin a journal in an empty file, which it closes."""
        self._clock = clock
        self._file = file

    def note(self, event: str, **fields: Any) -> None:
        """Write an event with the time at which it happened."""
        row = {"at": timestamp(self._clock.now()), "event": event, **fields}
        self._file.write(json.dumps(row, sort_keys=True, default=str) + "\n")
        self._file.flush()

    def close(self) -> None:
        """End the journal."""
        self._file.close()
