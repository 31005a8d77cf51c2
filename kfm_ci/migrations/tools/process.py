"""Starting a foreign tool: a command line, a clean environment, an end in any case."""

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
"""So many last lines of what it printed are kept, and of its complaints."""
NEAR = ("node_modules/.bin", ".venv/bin", "venv/bin")
"""Where dependencies put programs."""
LIMIT = 8_000_000
"""So many bytes, the last ones, of what it printed are kept; more than that is no preview of SQL."""
GRACE_SECONDS = 0.5
"""After a program's end, for what is still in its streams."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessResult:
    """How a tool ended."""

    code: int | None
    """Exit code; None: it did not end in time, and was ended."""
    tail: str
    """The last lines it printed, and below them its last complaints: a program may flush the former after the latter."""
    output: str = ""
    """All that it printed on standard output, where that was asked for."""
    found: bool = True
    """Whether there was such a program at all."""


def places(root: Path, directory: str) -> str:
    """Return where a tool's program is looked for: beside its files first, as its owners would, then on our path."""
    near = [str(place / sub) for place in dict.fromkeys((root / directory, root)) for sub in NEAR]
    return ":".join([*near, config.environment().get("PATH", "/usr/local/bin:/usr/bin:/bin")])


def run(
    argv: tuple[str, ...], *, directory: Path, environment: Mapping[str, str], timeout: float, apart: bool = False,
    overdue: Callable[[], None] = lambda: None,
) -> ProcessResult:  # fmt: skip
    """Run a program to its end; nothing can be asked on standard input, and what it started ends with it.

    ``apart``: standard output is what was asked for, and no complaint. ``overdue`` is called before one that takes too
    long is ended.
    """
    before = child_processes.adopt()
    try:
        process = subprocess.Popen(
            argv, cwd=directory, env=dict(environment), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        return ProcessResult(code=None, tail=str(error), found=False)
    spoken = [ToolOutput(stream) for stream in (process.stdout, process.stderr) if stream]
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
    output, complaints = (stream.text() for stream in spoken)
    said = ("" if apart and complaints.strip() else output, complaints)
    lines = [line for text in said for line in text.strip().splitlines()[-KEPT:]]
    return ProcessResult(
        code=code, tail="\n".join(line[:400] for line in lines), output=output if apart and len(output) < LIMIT else ""
    )


class ToolOutput:
    """What a program says, read as long as it runs: a child of its own may hold the stream open for ever."""

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
        """Return what was said until now, at most LIMIT bytes: the program has ended."""
        self._reader.join(GRACE_SECONDS)
        return bytes(self._said[-LIMIT:]).decode("utf-8", "replace")
