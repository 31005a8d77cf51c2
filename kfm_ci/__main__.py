"""Run kfm-ci: as ``python -m kfm_ci``, and as the console script."""

from __future__ import annotations

import gc
import os
import signal
from types import FrameType

OBJECTS = 100_000
"""Threshold of the garbage collector."""


def main() -> None:
    """Run the program; a signal during the imports ends it without a traceback."""
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, _leave)
    # imports create tens of thousands of permanent objects: collecting garbage among them is a fifth of the start
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
