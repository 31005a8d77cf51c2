"""Lines of the log that the runner obeys: annotations, groups, masks; and what keeps other text from being one."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import TextIO

from kfm_ci.model import Finding, Severity

SHOWN = 10
"""Annotations of one level that GitHub shows for a step; more are dropped without a word."""
_LONGEST = 4000
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def data(text: str) -> str:
    """Return text for after the second ``::``; nothing in it can end the line."""
    return text[:_LONGEST].replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def value(text: str) -> str:
    """Return text for a property; nothing in it can end the property."""
    return data(text).replace(":", "%3A").replace(",", "%2C")


def message(level: str, text: str, **properties: str | int | None) -> str:
    """Return one annotation; ``level`` is error, warning or notice."""
    given = ",".join(f"{key}={value(str(item))}" for key, item in properties.items() if item is not None)
    return f"::{level}{' ' if given else ''}{given}::{data(text)}"


def annotate(findings: Iterable[Finding], *, prefix: str = "") -> list[str]:
    """Return the findings that stand as annotations, at most ten of each level.

    ``prefix`` is the judged directory relative to the workspace, so that GitHub finds the file.
    """
    shown: Counter[str] = Counter()
    lines = []
    for item in findings:
        level = _LEVELS[item.severity]
        if not item.stands or shown[level] == SHOWN:
            continue
        shown[level] += 1
        file = PurePosixPath(prefix, item.place.file).as_posix() if item.place.file else None
        text = f"{item.message}\n{item.help}" if item.help else item.message
        lines.append(message(level, text, file=file, line=item.place.line, endLine=item.place.end_line,
                             col=item.place.column, title=f"kfm-ci {item.rule}"))  # fmt: skip
    return lines


def mask(secret: str) -> str:
    """Return the line that makes the runner hide a text in the log from now on."""
    return f"::add-mask::{data(secret)}"


@contextmanager
def quiet(log: TextIO) -> Iterator[None]:
    """Let the runner obey no line that is written meanwhile: it may come from a pull request."""
    token = secrets.token_hex(16)
    log.write(f"::stop-commands::{token}\n")
    log.flush()
    try:
        yield
    finally:
        log.write(f"\n::{token}::\n")
        log.flush()
