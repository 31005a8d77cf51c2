"""What a rule is: text and git in, findings out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.changed_statements import ChangeStatement
from kfm_ci.migrations.model import Migration
from kfm_ci.model import Finding, Hazard, Place, Rollout, Severity, Verdict, default_severity, rule_page


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerExample:
    """Examples of a static rule for the server, which confirms or refutes its findings; each runs on a real one."""

    base: str
    """The schema before the pull request."""
    bad: str
    """A migration that breaks the rule; the text below ``-- down:`` is its down migration."""
    good: str
    """The same change without the problem."""


class Rule(Protocol):
    """One thing that can be wrong on paper."""

    id: str
    """Slug; never reused."""
    hazard: Hazard
    title: str
    """One line: what it protects."""
    why: str
    """A paragraph for the documentation page."""
    bad: str
    """A file that breaks it."""
    good: str
    """The same, done well."""

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield what breaks the rule."""
        ...


def declared_rollout(migration: Migration | None) -> Rollout | None:
    """Return what a migration's header says about its rollout; None when it says nothing valid."""
    if migration is None or migration.header is None:
        return None
    value = migration.header.choice("rollout", Rollout)
    return Rollout(value) if value else None


def server_example(rule: object) -> ServerExample | None:
    """Return the examples that the server confirms; None for a rule that the files alone decide."""
    return getattr(rule, "server_example", None)


def declared(rule: object) -> tuple[Severity, ...]:
    """Return the severities that a rule gives of its own accord, worst first; none: the contract's default decides."""
    return getattr(rule, "severities", ())


def finding(
    rule: Rule,
    message: str,
    *,
    help: str | None = None,
    place: Place | None = None,
    migration: Migration | None = None,
    house_format: bool = True,
    severity: Severity | None = None,
    verdict: Verdict = Verdict.FACT,
    hazard: Hazard | None = None,
) -> Finding:
    """Return a finding of a rule: with the severity given, else the one the rule declares, else the contract's default."""
    kind = hazard or rule.hazard
    own = declared(rule)
    severity = severity or (own[0] if len(own) == 1 else None)
    rollout = declared_rollout(migration)
    return Finding(
        rule=rule.id,
        hazard=kind,
        severity=severity or default_severity(kind, rollout=rollout, house_format=house_format),
        verdict=verdict,
        message=message,
        help=help,
        place=place or Place(file=migration.up_path if migration else None),
        migration=migration.id if migration else None,
        docs=rule_page(rule.id),
    )


def told(
    rule: Rule,
    act: ChangeStatement,
    message: str,
    *,
    help: str,
    severity: Severity | None = None,
    verdict: Verdict = Verdict.SUSPECTED,
    hazard: Hazard | None = None,
) -> Finding:
    """Return a finding about a statement; a suspicion unless the text alone decides."""
    return finding(
        rule, message, help=help, place=act.place, migration=act.migration, severity=severity, verdict=verdict,
        hazard=hazard,
    )  # fmt: skip


def spread(lines: Sequence[int]) -> str:
    """Return where else one finding is true, to follow its message; empty for a single place."""
    if len(lines) < 2:
        return ""
    told = list(dict.fromkeys(map(str, lines)))
    listed = ", ".join(told[:8]) + (f" and {len(told) - 8} more" if len(told) > 8 else "")
    return f" ({len(lines)} places, line{'s' * (len(told) > 1)} {listed})"
