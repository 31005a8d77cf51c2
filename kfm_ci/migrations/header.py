"""Parser of the header: the metadata at the top of an up file."""

from __future__ import annotations

import re

from kfm_ci.migrations.model import Header

OPEN = "[KFM_MIGRATION]"
CLOSE = "[/KFM_MIGRATION]"
REQUIRED = ("id", "owner", "ticket", "risk", "rollout", "rollback", "dialect")
OPTIONAL = ("impact", "ops", "phase", "transaction", "transaction-reason", "compensated-by", "runbook")
_LINE = re.compile(r"^\s*--\s?(.*)$")
_PAIR = re.compile(r"^([A-Za-z][A-Za-z0-9_-]*)\s*:\s*(.*)$")


def parse(text: str) -> Header | None:
    """Return the unchecked header, or None if the text has none."""
    if OPEN not in text:
        return None
    lines = text.split("\n")
    start = next((n for n, line in enumerate(lines, 1) if _content(line) == OPEN), None)
    if start is None:
        return None
    values: dict[str, str] = {}
    places: dict[str, int] = {}
    problems: list[tuple[int, str]] = []
    last: str | None = None
    for number, line in enumerate(lines[start:], start + 1):
        content = _content(line)
        if content is None:
            problems.append((number, f"The header is not closed: expected `-- {CLOSE}`."))
            return Header(values=values, lines=places, start=start, end=number, problems=tuple(problems))
        if content == CLOSE:
            return Header(values=values, lines=places, start=start, end=number, problems=tuple(problems))
        pair = _PAIR.match(content)
        if pair and not (line.lstrip().startswith("--  ") and last):
            last = pair[1]
            if last in values:
                problems.append((number, f"The key `{last}` is given twice."))
                continue
            values[last], places[last] = pair[2].strip(), number
        elif content and last:
            values[last] = f"{values[last]} {content}".strip()
        elif content:
            problems.append((number, f"A header line is not valid: expected `-- key: value`, got `{content[:60]}`."))
    problems.append((len(lines), f"The header is not closed: expected `-- {CLOSE}`."))
    return Header(values=values, lines=places, start=start, end=len(lines), problems=tuple(problems))


def _content(line: str) -> str | None:
    match = _LINE.match(line.rstrip("\r"))
    return match[1].strip() if match else None
