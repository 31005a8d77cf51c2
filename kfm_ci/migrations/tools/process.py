"""Running a tool's command line with a clean environment and a timeout."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import IO

from kfm_ci import config
from kfm_ci.migrations.tools import child_processes

KEPT = 60
"""Number of last lines kept of standard output, and of standard error."""
NEAR = ("node_modules/.bin", ".venv/bin", "venv/bin")
"""Directories in which dependencies install programs."""
LIMIT = 8_000_000
"""Number of last bytes kept of standard output; longer output is not used as a preview of SQL."""
GRACE_SECONDS = 0.5
"""Wait after a program's end for the rest of its output."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessResult:
    """The result of a tool's process."""

    code: int | None
    """Exit code; None: it exceeded the timeout and was killed."""
    tail: str
    """Last lines of standard output, then of standard error: a program may flush the former after the latter."""
    output: str = ""
    """All of standard output, if requested."""
    found: bool = True
    """Whether the program exists."""


def places(root: Path, directory: str) -> str:
    """Return the search path for a tool's program: the project's own directories first, then PATH."""
    near = [str(place / sub) for place in dict.fromkeys((root / directory, root)) for sub in NEAR]
    return ":".join([*near, config.environment().get("PATH", "/usr/local/bin:/usr/bin:/bin")])


def run(
    argv: tuple[str, ...],
    *,
    directory: Path,
    environment: Mapping[str, str],
    timeout: float,
    apart: bool = False,
    overdue: Callable[[], None] = lambda: None,
) -> ProcessResult:
    """Run a program without standard input until it ends; its child processes end with it.

    ``apart``: standard output is the requested result, not part of the error text. ``overdue`` is called before a
    program that exceeds the timeout is killed.
    """
    before = child_processes.adopt()
    try:
        process = subprocess.Popen(
            argv,
            cwd=directory,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        return ProcessResult(code=None, tail=str(error), found=False)
    outputs = [ToolOutput(stream) for stream in (process.stdout, process.stderr) if stream]
    code: int | None = None
    try:
        code = process.wait(timeout)
    except subprocess.TimeoutExpired:
        overdue()
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        child_processes.end(before)
    output, complaints = (stream.text() for stream in outputs)
    said = ("" if apart and complaints.strip() else output, complaints)
    lines = [line for text in said for line in text.strip().splitlines()[-KEPT:]]
    return ProcessResult(
        code=code, tail="\n".join(line[:400] for line in lines), output=output if apart and len(output) < LIMIT else ""
    )


class ToolOutput:
    """Output of a program, read while it runs: a child of its own may hold the stream open forever."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._said = bytearray()
        self._reader = Thread(target=self._read, args=(stream,), daemon=True)
        self._reader.start()

    def _read(self, stream: IO[bytes]) -> None:
        with stream:
            while said := os.read(stream.fileno(), 65536):
                self._said += said
                if len(self._said) > 2 * LIMIT:
                    del self._said[:LIMIT]

    def text(self) -> str:
        """Return the output so far, at most the last LIMIT bytes."""
        self._reader.join(GRACE_SECONDS)
        return bytes(self._said[-LIMIT:]).decode("utf-8", "replace")
