"""Run kfm-ci: as ``python -m kfm_ci``, and as the console script."""

from __future__ import annotations

# os and sys are loaded before the working directory is on the path
import os
import sys


def _is_foreign(entry: str) -> bool:
    """Return whether a directory of the import path is the working directory, and not that of this package."""
    directory = os.path.realpath(entry)
    return directory == os.path.realpath("") and directory != os.path.dirname(
        os.path.dirname(os.path.realpath(__file__))
    )


# `python -m` and an empty part of PYTHONPATH put the working directory, here the checked repository, before the
# installed packages: a `typer.py` of a pull request would run in its place
sys.path[:] = [entry for entry in sys.path if not _is_foreign(entry)]

import gc  # noqa: E402
import signal  # noqa: E402
from types import FrameType  # noqa: E402

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
