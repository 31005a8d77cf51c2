"""File names of format ``kfm``, with a timestamp or a number as version."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

_NAME = re.compile(r"(?:(?P<stamp>[0-9]{8}_[0-9]{4})|V(?P<number>[0-9]{6}))__(?P<slug>[a-z0-9_]+)")
_STAMP = "%Y%m%d_%H%M"
_SUFFIX = re.compile(r"(?P<stem>.+?)(?P<kind>\.up\.sql|\.down\.sql|\.sql)", re.DOTALL)


def stem(file_name: str) -> tuple[str, str] | None:
    """Return the name without suffix, and ``up``, ``down`` or ``only``; None if it is not an SQL file."""
    match = _SUFFIX.fullmatch(file_name)
    if match is None:
        return None
    return match["stem"], {".up.sql": "up", ".down.sql": "down", ".sql": "only"}[match["kind"]]


def version(name: str) -> tuple[str, str] | None:
    """Return the version as written and the style, ``timestamp`` or ``number``; None for any other name."""
    match = _NAME.fullmatch(name)
    if match is None:
        return None
    if match["number"]:
        return f"V{match['number']}", "number"
    try:
        datetime.strptime(match["stamp"], _STAMP)
    except ValueError:
        return None
    return match["stamp"], "timestamp"


def slug(description: str) -> str:
    """Return a description as part of a file name."""
    return re.sub(r"[^a-z0-9]+", "_", description.lower()).strip("_") or "change"


def next_name(existing: list[str], description: str, now: datetime, *, numbered: bool | None = None) -> str:
    """Return a name that sorts after all existing ones, in their style; without any, with a timestamp."""
    numbers = [int(name[1:7]) for name in existing if name.startswith("V")]
    if numbered or (numbered is None and numbers):
        return f"V{max(numbers, default=0) + 1:06d}__{slug(description)}"
    stamp = now.strftime(_STAMP)
    last = max((name[:13] for name in existing if not name.startswith("V")), default="")
    if stamp <= last:
        # if the clock is behind the newest file, the name must still sort after it
        stamp = (datetime.strptime(last, _STAMP) + timedelta(minutes=1)).strftime(_STAMP)
    return f"{stamp}__{slug(description)}"
