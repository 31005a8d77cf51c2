"""What a rule is: text and git in, findings out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.changed_statement import ChangeStatement
from kfm_ci.migrations.model import Migration
from kfm_ci.model import Finding, Hazard, Place, Rollout, Severity, Verdict
from kfm_ci.rule_info import RuleInfo


class Rule(Protocol):
    """A static rule: text and git in, findings out."""

    info: RuleInfo

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield what breaks the rule."""
        ...


def declared_rollout(migration: Migration | None) -> Rollout | None:
    """Return what a migration's header says about its rollout; None when it says nothing valid."""
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
    """Return a finding about a statement; suspected unless the text alone decides."""
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
    """Return where else one finding is true, to follow its message; empty for a single place."""
    if len(lines) < 2:
        return ""
    told = list(dict.fromkeys(map(str, lines)))
    listed = ", ".join(told[:8]) + (f" and {len(told) - 8} more" if len(told) > 8 else "")
    return f" ({len(lines)} places, line{'s' * (len(told) > 1)} {listed})"
