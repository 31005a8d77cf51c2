"""Run kfm-ci: as ``python -m kfm_ci``, and as the console script."""

from __future__ import annotations

import os
import signal
from types import FrameType


def main() -> None:
    """Run the program; a signal while it is still loading ends it as quietly as one that comes later."""
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, _leave)
    from kfm_ci import cli

    cli.main()


def _leave(number: int, _frame: FrameType | None) -> None:
    os._exit(128 + number)


if __name__ == "__main__":
    main()
