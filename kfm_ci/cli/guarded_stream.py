"""Standard output and standard error of the program: nothing in them commands a terminal or a runner.

A runner reads the output of every step, also that of `docker run` in it, where no variable shows that it is a job.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any, TextIO

from kfm_ci.report.escape import visible

_COLOUR = re.compile(r"(\x1b\[[0-9;]*m)")
_UNUSUAL = re.compile(r"[^\x20-\x7e\n\t]")
_COMMAND = re.compile(r"^([^\S\n]*:)(?=:)|(##)(?=\[)", re.MULTILINE)
"""Workflow commands: `::name::` after white space at the start of a line, `##[name]` anywhere."""


class GuardedStream:
    """A stream that writes text with invisible characters escaped and workflow commands broken by a space."""

    def __init__(self, stream: TextIO) -> None:
        """Guard a stream; ``unguarded`` is for the workflow commands of kfm-ci."""
        self.unguarded = stream
        self._line = ""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.unguarded, name)

    def write(self, text: str) -> int:
        """Write text; a command that two calls would build is broken too."""
        if _UNUSUAL.search(text):
            parts = _COLOUR.split(text)
            text = "".join(part if number % 2 else visible(part) for number, part in enumerate(parts))
        before = len(self._line)
        line, pieces, position = self._line + text, [], before
        for command in _COMMAND.finditer(line):
            if command.end() >= before:
                pieces.append(line[position : command.end()])
                position = command.end()
        written = " ".join([*pieces, line[position:]])
        self._line = (self._line + written).rpartition("\n")[2]
        self.unguarded.write(written)
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write each line."""
        for line in lines:
            self.write(line)


@contextmanager
def standard_streams() -> Iterator[None]:
    """Guard standard output and standard error in the meantime."""
    with redirect_stdout(GuardedStream(sys.stdout)), redirect_stderr(GuardedStream(sys.stderr)):
        yield


def json_text(text: str) -> str:
    """Return JSON that means the same and that the stream writes as it is."""
    return text.replace("##[", "##\\u005b").replace("\x7f", "\\u007f")
