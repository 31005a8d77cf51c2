"""The interface of a static rule, and the builders of its findings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from kfm_ci import phrases
from kfm_ci.analysis.change import Change
from kfm_ci.analysis.changed_statement import ChangeStatement
from kfm_ci.migrations.model import Migration
from kfm_ci.model import Finding, Hazard, Place, Rollout, Severity, Verdict
from kfm_ci.rule_info import RuleInfo


class Rule(Protocol):
    """A rule that decides from the files and git alone."""

    info: RuleInfo

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a finding for each violation."""
        ...


def declared_rollout(migration: Migration | None) -> Rollout | None:
    """Return the rollout that a migration's header declares; None without a valid value."""
    if migration is None or migration.header is None:
        return None
    value = migration.header.choice("rollout", Rollout)
    return Rollout(value) if value else None


def migration_finding(
    rule: RuleInfo,
    message: str,
    *,
    help: str | None = None,
    place: Place | None = None,
    migration: Migration | None = None,
    native_format: bool = True,
    severity: Severity | None = None,
    verdict: Verdict = Verdict.FACT,
    hazard: Hazard | None = None,
) -> Finding:
    """Return a finding about a migration, at its up file unless a place is given."""
    return rule.finding(
        message,
        help=help,
        place=place or Place(file=migration.up_path if migration else None),
        migration=migration.id if migration else None,
        severity=severity,
        verdict=verdict,
        hazard=hazard,
        rollout=declared_rollout(migration),
        native_format=native_format,
    )


def statement_finding(
    rule: RuleInfo,
    statement: ChangeStatement,
    message: str,
    *,
    help: str,
    severity: Severity | None = None,
    verdict: Verdict = Verdict.SUSPECTED,
    hazard: Hazard | None = None,
) -> Finding:
    """Return a finding about a statement; suspected unless another verdict is given."""
    return migration_finding(
        rule,
        message,
        help=help,
        place=statement.place,
        migration=statement.migration,
        severity=severity,
        verdict=verdict,
        hazard=hazard,
    )


def spread(lines: Sequence[int]) -> str:
    """Return the places of a grouped finding as a suffix of its message; empty for one place."""
    if len(lines) < 2:
        return ""
    return f" ({len(lines)} places, {phrases.lines(lines, 8)})"
