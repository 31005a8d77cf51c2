"""Rows that migrations write, on one machine and on another: what depends on settings, and what on the moment."""

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

MADE = """
select n.nspname, c.relname, a.attname, a.atttypid not in ('timestamp'::regtype, 'timestamptz'::regtype)
  from pg_catalog.pg_attrdef d join pg_catalog.pg_class c on c.oid = d.adrelid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = d.adnum
 where d.adbin::text !~ '^[{]CONST'
"""
"""Columns whose default makes a value when a row is written; whether such a value can follow the session's settings
without being another at every run (`current_date`)."""


@dataclass(slots=True, kw_only=True)
class WrittenData:
    """What migrations leave in rows; whether that is another thing at every run is found out only when it is asked."""

    steps: Sequence[OriginStep]
    walk: Callable[[Mapping[str, str] | None], AbstractContextManager[Replay]]
    """Yields a walk that begins before the first of them, under other settings."""
    again: Callable[[], Connection[Any] | None]
    """Returns a session where they ran once more on the same rows, under the same settings; None where they fail."""
    _second: Content | None = None
    _changing: frozenset[str] = frozenset()
    _made: dict[str, bool] = field(default_factory=dict)

    @property
    def pairs(self) -> Sequence[Pair]:
        """The migrations, each with what of it is run."""
        return [step.pair for step in self.steps]

    @property
    def first(self) -> Content:
        """The rows after one run of theirs."""
        return self.steps[-1].after.content

    def origin(self, columns: Sequence[str], settings: Mapping[str, str] | None = None) -> Pair:
        """Return the migration whose values in some columns are others in another run, under such settings."""
        return value_origin.find(self.steps, columns, lambda: self.walk(settings)) or culprit(self.pairs, columns)

    def depend(self, there: Content) -> tuple[str, ...]:
        """Return the columns whose values in another database follow from how it was made, not from when."""
        other = differing(self.first, there)
        if not other or not self._look_again():
            return ()
        return tuple(sorted(name for name in other - self._changing if not self._made.get(name, False)))

    def changing(self) -> Finding | None:
        """Return a note on columns that are other values at every run, and by no default, or None."""
        columns = tuple(sorted(self._changing - set(self._made)))
        if not columns:
            return None
        migration, script = self.origin(columns)
        return script_finding(
            VOLATILE_VALUE,
            migration,
            script,
            f"Two runs on the same rows write different values: {told(columns)}.",
            help="Write the value as a constant if all databases must agree. A time or an identity may differ.",
            severity=Severity.NOTE,
            line=line_of(script, columns),
        )

    def _look_again(self) -> bool:
        if self._second is None and (session := self.again()) is not None:
            self._second = data_checksums.snapshot(session)
            self._made = {dotted(*name): follows for *name, follows in session.execute(MADE).fetchall()}
            self._changing = differing(self.first, self._second)
        return self._second is not None


def line_of(script: Script, columns: Sequence[str]) -> int:
    """Return the line of the statement that most likely writes columns."""
    statement, _ = idempotent_sql.culprit(script, {name.split(".")[-2].strip('"') for name in columns})
    return statement.line if statement else script.first_line


def told(columns: Sequence[str]) -> str:
    """Return columns as one line, the rest counted."""
    shown = f"values of {', '.join(columns[:4])}"
    return shown if len(columns) <= 4 else f"{shown} and {len(columns) - 4} more"


def differing(one: Content, other: Content) -> frozenset[str]:
    """Return the columns whose values differ; a table that is empty in one is as one that is not there."""
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


def culprit(pairs: Sequence[Pair], names: Sequence[str]) -> Pair:
    """Return the last migration that names something of what differs: all of it, else its table, else its last part."""
    parts = [_parts(name) for name in names]
    for wanted in (parts, [found[:1] for found in parts], [found[-1:] for found in parts]):
        for pair in reversed(pairs):
            if any(_says(pair[1].text.lower(), found) for found in wanted):
                return pair
    return pairs[-1]


def _says(text: str, names: Sequence[str]) -> bool:
    return all(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) for name in names)


def _parts(name: str) -> list[str]:
    """Return the parts of ``table public.a`` or ``public.a.b``, without kind, schema, signature and quotes."""
    found = name.split("(")[0].split(".")
    return [part.strip('"').lower() for part in (found[1:] or [found[0].rpartition(" ")[2]])]
