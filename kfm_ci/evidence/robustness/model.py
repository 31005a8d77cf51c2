"""Values of the robustness checks: their databases, and what they run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from psycopg import Connection

from kfm_ci.migrations.model import Migration
from kfm_ci.model import Finding, Place, Severity
from kfm_ci.rule_info import RuleInfo
from kfm_ci.sql.script import Script


class OpenSession(Protocol):
    """Opens a session of the migrations' role, or of the administrator; these settings override its own."""

    def __call__(
        self, database: str, *, admin: bool = False, settings: Mapping[str, str] | None = None
    ) -> AbstractContextManager[Connection[Any]]:
        """Return a session that is closed on leaving."""
        ...


Pair = tuple[Migration, Script]
"""A migration and the script of it that is run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Databases:
    """Opens sessions and clones databases."""

    connect: OpenSession
    clone: Callable[[str], AbstractContextManager[str]]
    """Yields the name of a clone of a database, and drops it afterwards."""


def script_finding(
    rule: RuleInfo,
    migration: Migration,
    script: Script,
    message: str,
    *,
    help: str,
    severity: Severity | None = None,
    line: int | None = None,
) -> Finding:
    """Return a finding about one migration's script."""
    place = Place(file=script.file.path, line=line, column=1 if line else None)
    return rule.finding(message, help=help, place=place, migration=migration.id, severity=severity)
