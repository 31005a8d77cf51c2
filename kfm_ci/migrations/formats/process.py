"""Starting a foreign tool: a command line, a clean environment, an end in any case."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

KEPT = 20
"""So many last lines of what it printed are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a tool ended."""

    code: int | None
    """Exit code; None: it did not end in time, and was ended."""
    tail: str
    """The last lines it printed."""
    found: bool = True
    """Whether there was such a program at all."""


def run(argv: tuple[str, ...], *, directory: Path, environment: Mapping[str, str], timeout: float) -> Ended:
    """Run a program to its end; nothing is asked of it on standard input, and what it started ends with it."""
    try:
        process = subprocess.Popen(
            argv, cwd=directory, env=dict(environment), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        return Ended(code=None, tail=str(error), found=False)
    code: int | None = None
    try:
        output, _ = process.communicate(timeout=timeout)
        code = process.returncode
    except subprocess.TimeoutExpired:
        output = b""
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    lines = output.decode("utf-8", "replace").strip().splitlines()[-KEPT:]
    return Ended(code=code, tail="\n".join(line[:400] for line in lines))
