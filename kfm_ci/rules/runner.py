"""The findings of all static rules and of squawk, without duplicates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.changed_files import touched
from kfm_ci.analysis.changed_statement import ExecutedStatement
from kfm_ci.config import Config
from kfm_ci.migrations.problems.transaction_modes import FLYWAY_BASELINE, FLYWAY_CALLBACK, MIGRATION_NOT_SQL
from kfm_ci.model import Finding
from kfm_ci.rules import ALL, STATEMENT_RULES
from kfm_ci.rules.squawk.findings import LinterResult, lint

_UNREAD = frozenset({MIGRATION_NOT_SQL.id, FLYWAY_CALLBACK.id, FLYWAY_BASELINE.id})
"""Rules about files that are not read, so that a change of the file is reported again."""


def findings(change: Change) -> list[Finding]:
    """Return the findings of all static rules, without those that the base has too."""
    then = change.merge_base or change.base
    known = {_identity(item) for item in then.findings} if then else set()
    changed = {item.file.path for item in touched(change)}
    found = [
        item
        for item in change.head.findings
        if _identity(item) not in known or (item.rule in _UNREAD and item.place.file in changed)
    ]
    for rule in ALL:
        found += rule.check(change)
    return list(dict.fromkeys(found))


def executed_findings(change: Change, executed: tuple[ExecutedStatement, ...]) -> list[Finding]:
    """Return the findings on statements that the server ran and no file shows, and only those."""
    if not executed:
        return []
    known = {item for rule in STATEMENT_RULES for item in rule.check(change)}
    seen = replace(change, executed=executed)
    found = (item for rule in STATEMENT_RULES for item in rule.check(seen))
    return list(dict.fromkeys(item for item in found if item not in known))


def lint_change(change: Change, ours: Sequence[Finding], policy: Config, *, major: int | None) -> LinterResult:
    """Return squawk's findings on new migrations that no static rule reports; none where the policy disables squawk."""
    return lint(change.new, change.statements, ours=ours, major=major) if policy.policy.squawk else LinterResult()


def _identity(item: Finding) -> tuple[str, str | None, str]:
    """Return what identifies a finding, without its line, which may move."""
    return item.rule, item.place.file, item.message
