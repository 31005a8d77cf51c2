"""Rows that migrations write: columns that depend on settings, and columns that differ in each run."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from psycopg import Connection

from kfm_ci.evidence.robustness import idempotent_sql, value_origin
from kfm_ci.evidence.robustness.model import Pair, script_finding
from kfm_ci.evidence.robustness.replay import Replay
from kfm_ci.evidence.robustness.value_origin import OriginStep
from kfm_ci.model import Finding, Severity
from kfm_ci.postgres import data_checksums
from kfm_ci.postgres.data_checksums import Content
from kfm_ci.rules.data.volatile_value import VOLATILE_VALUE
from kfm_ci.sql.identifiers import dotted
from kfm_ci.sql.script import Script

COMPUTED_DEFAULTS = """
select n.nspname, c.relname, a.attname,
       not a.atttypid operator(pg_catalog.=) any ('{1114,1184}'::pg_catalog.oid[]) -- the types of timestamps
  from pg_catalog.pg_attrdef d join pg_catalog.pg_class c on c.oid operator(pg_catalog.=) d.adrelid
  join pg_catalog.pg_namespace n on n.oid operator(pg_catalog.=) c.relnamespace
  join pg_catalog.pg_attribute a
    on a.attrelid operator(pg_catalog.=) c.oid and a.attnum operator(pg_catalog.=) d.adnum
 where d.adbin::pg_catalog.text operator(pg_catalog.!~) '^[{]CONST'::pg_catalog.text
"""
"""Columns with a default that is computed for each row, and whether such a value can depend on the session's settings
and still be equal in two runs (``current_date``)."""
_SHOWN = 4
"""Columns in a message."""


@dataclass(slots=True, kw_only=True)
class WrittenData:
    """The rows that migrations leave; a second run for comparison starts only when values differ."""

    steps: Sequence[OriginStep]
    replay: Callable[[Mapping[str, str] | None], AbstractContextManager[Replay]]
    """Yields a replay that begins before the first migration, under other settings."""
    again: Callable[[], Connection[Any] | None]
    """Returns a session after a second run on the same rows under the same settings; None when that fails."""
    _second: Content | None = None
    _volatile: frozenset[str] = frozenset()
    _computed: dict[str, bool] = field(default_factory=dict)

    @property
    def pairs(self) -> Sequence[Pair]:
        """The migrations with their scripts."""
        return [step.pair for step in self.steps]

    @property
    def first(self) -> Content:
        """The rows after the first run."""
        return self.steps[-1].after.content

    def find_origin(self, columns: Sequence[str], settings: Mapping[str, str] | None = None) -> Pair:
        """Return the migration that wrote values which differ in another run, under these settings."""
        found = value_origin.find_origin(self.steps, columns, lambda: self.replay(settings))
        return found or find_cause(self.pairs, columns)

    def environment_dependent(self, there: Content) -> tuple[str, ...]:
        """Return the columns whose values differ in another database, without those that differ in each run."""
        other = differing_columns(self.first, there)
        if not other or not self._run_again():
            return ()
        return tuple(sorted(name for name in other - self._volatile if not self._computed.get(name, False)))

    def volatile_finding(self) -> Finding | None:
        """Return a note on columns whose values differ in each run, without those of a default; None without any."""
        columns = tuple(sorted(self._volatile - set(self._computed)))
        if not columns:
            return None
        migration, script = self.find_origin(columns)
        return script_finding(
            VOLATILE_VALUE,
            migration,
            script,
            f"Two runs on the same rows write different values: {format_columns(columns)}.",
            help="Write the value as a constant if all databases must agree. A time or an identity may differ.",
            severity=Severity.NOTE,
            line=find_line(script, columns),
        )

    def _run_again(self) -> bool:
        if self._second is None and (session := self.again()) is not None:
            self._second = data_checksums.snapshot(session)
            self._computed = {
                dotted(*name): depends for *name, depends in session.execute(COMPUTED_DEFAULTS).fetchall()
            }
            self._volatile = differing_columns(self.first, self._second)
        return self._second is not None


def find_line(script: Script, columns: Sequence[str]) -> int:
    """Return the line of the statement that most likely writes columns."""
    statement, _ = idempotent_sql.find_row_change(script, {name.split(".")[-2].strip('"') for name in columns})
    return statement.line if statement else script.first_line


def format_columns(columns: Sequence[str]) -> str:
    """Return columns as one line; those above the limit are counted."""
    shown = f"values of {', '.join(columns[:_SHOWN])}"
    return shown if len(columns) <= _SHOWN else f"{shown} and {len(columns) - _SHOWN} more"


def differing_columns(one: Content, other: Content) -> frozenset[str]:
    """Return the columns whose values differ; a table without rows counts as missing."""
    values = [
        {
            f"{table.name}.{dotted(column.name)}": column
            for table in side.tables
            if table.rows
            for column in table.columns
        }
        for side in (one, other)
    ]
    return frozenset(name for name in values[0] | values[1] if values[0].get(name) != values[1].get(name))


def find_cause(pairs: Sequence[Pair], names: Sequence[str]) -> Pair:
    """Return the last migration that names a differing object: all of its name, else its table, else its last part."""
    parts = [_name_parts(name) for name in names]
    for wanted in (parts, [found[:1] for found in parts], [found[-1:] for found in parts]):
        for pair in reversed(pairs):
            if any(_has_words(pair[1].text.lower(), found) for found in wanted):
                return pair
    return pairs[-1]


def _has_words(text: str, names: Sequence[str]) -> bool:
    return all(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) for name in names)


def _name_parts(name: str) -> list[str]:
    """Return the parts of ``table public.a`` or ``public.a.b``, without kind, schema, signature and quotes."""
    found = name.split("(")[0].split(".")
    return [part.strip('"').lower() for part in (found[1:] or [found[0].rpartition(" ")[2]])]
