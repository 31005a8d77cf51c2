"""Workflow commands in the log: annotations, groups, masks; and escaping of other text."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import TextIO

from kfm_ci import phrases
from kfm_ci.model import Finding, Severity
from kfm_ci.report import grouping
from kfm_ci.report.escape import visible
from kfm_ci.report.grouping import FindingGroup

SHOWN = 10
"""Number of annotations of one level that GitHub shows for a step; it drops further ones silently."""
_LONGEST = 4000
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def data(text: str) -> str:
    """Return text escaped for the data of a command."""
    return _encoded(visible(text[:_LONGEST]))


def _encoded(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def value(text: str) -> str:
    """Return text escaped for a property of a command."""
    return data(text).replace(":", "%3A").replace(",", "%2C")


def message(level: str, text: str, **properties: str | int | None) -> str:
    """Return one annotation; ``level`` is error, warning or notice."""
    given = ",".join(f"{key}={value(str(item))}" for key, item in properties.items() if item is not None)
    return f"::{level}{' ' if given else ''}{given}::{data(text)}"


def annotate(findings: Iterable[Finding], *, prefix: str = "") -> list[str]:
    """Return the active findings as annotations, at most ten of each level.

    If a level has more, grouped findings are one annotation, so that many of one rule hide no other.
    ``prefix`` is the checked directory relative to the workspace, so that GitHub finds the file.
    """
    levels: dict[Severity, list[Finding]] = {}
    for item in findings:
        if item.is_active:
            levels.setdefault(item.severity, []).append(item)
    return [_annotation(group, prefix) for found in levels.values() for group in _groups(found)[:SHOWN]]


def _groups(found: list[Finding]) -> list[FindingGroup]:
    if len(found) <= SHOWN:
        return [FindingGroup(findings=(item,)) for item in found]
    return grouping.group_findings(found)


def _annotation(group: FindingGroup, prefix: str) -> str:
    lead = group.lead
    if group.is_abridged:
        texts = [f"{len(group.others)} more, listed in the report."]
    else:
        texts = [*group.messages]
        if group.others:
            texts.append(f"Also in {phrases.count(len(group.others), 'other place')}.")
        if lead.help:
            texts.append(lead.help)
    file = PurePosixPath(prefix, lead.place.file).as_posix() if lead.place.file else None
    return message(
        _LEVELS[lead.severity],
        "\n".join(texts),
        file=file,
        line=lead.place.line,
        endLine=lead.place.end_line,
        col=lead.place.column,
        title=f"kfm-ci {', '.join(group.rules)}",
    )


def mask(secret: str) -> str:
    """Return the command that masks a text in the log from now on."""
    return f"::add-mask::{_encoded(secret)}"


def write(log: TextIO, *commands: str) -> None:
    """Write commands; a guarded stream lets only those through."""
    log.flush()
    stream: TextIO = getattr(log, "unguarded", log)
    stream.writelines(f"{line}\n" for line in commands)
    stream.flush()


@contextmanager
def quiet(log: TextIO) -> Iterator[None]:
    """Stop workflow commands in the meantime: the output may contain text of a pull request."""
    token = secrets.token_hex(16)
    write(log, f"::stop-commands::{token}")
    try:
        yield
    finally:
        log.write("\n")
        write(log, f"::{token}::")
