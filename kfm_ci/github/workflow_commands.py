"""Lines of the log that the runner obeys: annotations, groups, masks; and what keeps other text from being one."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import TextIO

from kfm_ci.model import Finding, Severity
from kfm_ci.report import grouping
from kfm_ci.report.grouping import FindingGroup

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

    Where there are more of a level, what is told together is one annotation, so that many of one rule hide no other.
    ``prefix`` is the judged directory relative to the workspace, so that GitHub finds the file.
    """
    levels: dict[Severity, list[Finding]] = {}
    for item in findings:
        if item.stands:
            levels.setdefault(item.severity, []).append(item)
    return [
        _annotation(told, prefix)
        for found in levels.values()
        for told in ([FindingGroup(found=(item,)) for item in found] if len(found) <= SHOWN else grouping.tell(found))[
            :SHOWN
        ]
    ]


def _annotation(told: FindingGroup, prefix: str) -> str:
    lead = told.lead
    said = [f"{len(told.also)} more, each in its own words in the report"] if told.crowd else [*told.messages]
    if told.also and not told.crowd:
        said.append(f"also in {len(told.also)} other place{'s' if len(told.also) > 1 else ''}")
    if lead.help and not told.crowd:
        said.append(lead.help)
    file = PurePosixPath(prefix, lead.place.file).as_posix() if lead.place.file else None
    return message(
        _LEVELS[lead.severity],
        "\n".join(said),
        file=file,
        line=lead.place.line,
        endLine=lead.place.end_line,
        col=lead.place.column,
        title=f"kfm-ci {', '.join(told.rules)}",
    )


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
