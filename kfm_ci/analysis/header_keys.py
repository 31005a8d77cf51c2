"""The keys of the migration header, and which migrations need one."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.migrations.model import Header, Migration
from kfm_ci.model import Place

REQUIRED = ("id", "owner", "ticket", "risk", "rollout", "rollback", "dialect")
OPTIONAL = ("impact", "ops", "phase", "transaction", "transaction-reason", "compensated-by", "runbook")
KNOWN = REQUIRED + OPTIONAL

EXAMPLE = """\
-- [KFM_MIGRATION]
-- id: 20260225_1200__add_widgets_table
-- owner: payments-team
-- ticket: https://example.com/tickets/12
-- risk: low
-- rollout: safe
-- rollback: down
-- dialect: postgresql
-- [/KFM_MIGRATION]
create table widgets (id bigint generated always as identity primary key);
"""
"""A file that every header rule accepts; rules make their examples from it."""


def required(change: Change) -> bool:
    """Whether new migrations must have a header."""
    return change.native_format or change.requirements.require_header


def headed(change: Change) -> Iterator[tuple[Migration, Header]]:
    """Yield the new migrations that have a header, which is checked wherever it is."""
    for migration in change.new:
        if migration.header is not None:
            yield migration, migration.header


def key_place(migration: Migration, header: Header, key: str | None = None) -> Place:
    """Return the line of a key; where it is missing, that of the header's start."""
    line = header.lines.get(key, header.start) if key else header.start
    return Place(file=migration.up_path, line=max(1, line), column=1)


_WHOLE = re.compile(r"tbd|todo|fixme|tba|x{3,}|\?+|-+|\.{2,}|…|<[^<>]*>|n/?a|change[-_ ]?me", re.IGNORECASE)


_WITHIN = re.compile(r"(?<![\w-])(?:TBD|TODO|FIXME|TBA|XXX)(?![\w-])")


def placeholder(value: str) -> bool:
    """Whether a value is a placeholder such as TBD; prose about a todo list is not."""
    value = value.strip()
    return _WHOLE.fullmatch(value) is not None or _WITHIN.search(value) is not None
