"""Run kfm-ci: as ``python -m kfm_ci``, and as the console script."""

from __future__ import annotations

import gc
import os
import signal
from types import FrameType

OBJECTS = 100_000
"""How many more objects there must be before the collector looks."""


def main() -> None:
    """Run the program; a signal while it is still loading ends it as quietly as one that comes later."""
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, _leave)
    # loading makes ten thousands of objects that all stay: looking for rubbish among them is a fifth of the start
    gc.set_threshold(OBJECTS)
    from kfm_ci import cli

    try:
        cli.main()
    finally:
        gc.freeze()


def _leave(number: int, _frame: FrameType | None) -> None:
    os._exit(128 + number)


if __name__ == "__main__":
    main()
