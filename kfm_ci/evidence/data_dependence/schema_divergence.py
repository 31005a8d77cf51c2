"""Schema divergence: the schemas after one script on empty and on populated tables differ."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from psycopg import Connection
from psycopg.pq import TransactionStatus

from kfm_ci.evidence import schema_diff
from kfm_ci.evidence.model import SchemaDiff
from kfm_ci.evidence.observation.observer import CALLING
from kfm_ci.model import Outcome
from kfm_ci.postgres import catalog, run_script
from kfm_ci.postgres.catalog import Catalog
from kfm_ci.postgres.session import reset
from kfm_ci.sql import statements
from kfm_ci.sql.script import Script, Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaDivergence:
    """The first statement after which the schemas differ."""

    statement: Statement
    difference: SchemaDiff
    """From the schema without rows to the one with rows."""


def runs_code(statement: Statement) -> bool:
    """Whether a statement runs code: only code can branch on rows or swallow the errors that they cause."""
    return statements.kind(statement.text) in CALLING


def find_divergence(script: Script, *, empty: Connection[Any], seeded: Connection[Any]) -> SchemaDivergence | None:
    """Apply a script to a database without rows and to one with rows; return where the schemas diverge, or None."""
    for (statement, expected), (_, got) in zip(_catalogs(empty, script), _catalogs(seeded, script), strict=False):
        if expected.digest != got.digest:
            return SchemaDivergence(statement=statement, difference=schema_diff.diff(expected, got))
    return None


@dataclass(slots=True, kw_only=True)
class _DivergenceReader:
    """Reads the catalog after each statement that runs code."""

    read: list[tuple[Statement, Catalog]] = field(default_factory=list)

    def before(self, connection: Connection[Any], statement: Statement) -> None:
        """Do nothing."""

    def after(self, connection: Connection[Any], statement: Statement, *, error: Exception | None, **_: object) -> None:
        """Read the catalog after the statement."""
        usable = connection.info.transaction_status in {TransactionStatus.IDLE, TransactionStatus.INTRANS}
        if usable and error is None and runs_code(statement):
            self.read.append((statement, catalog.read(connection)))


def _catalogs(connection: Connection[Any], script: Script) -> list[tuple[Statement, Catalog]]:
    reader = _DivergenceReader()
    reset(connection)
    applied = run_script.apply(connection, script, watcher=reader)
    return reader.read if applied.outcome is Outcome.APPLIED else []
