"""Rule ``explicit-lock``: explicit LOCK of an existing table."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.object_names import written
from kfm_ci.model import Finding, Hazard, Severity, Verdict
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.rule import statement_finding

_SHARE = 5
_ACCESS_EXCLUSIVE = 8
_MODES = {5: "share", 6: "share row exclusive", 7: "exclusive", 8: "access exclusive"}


EXPLICIT_LOCK = RuleInfo(
    id="explicit-lock",
    hazard=Hazard.BLOCKS_WRITES,
    title="Explicit LOCK of an existing table",
    why=(
        "`lock table` holds its lock until the commit, and the default mode blocks reads too. "
        "PostgreSQL's statements take the locks that they need. If the lock is intended, keep the "
        "transaction short and acknowledge it."
    ),
    severities=(Severity.WARNING,),
    bad="lock table widgets;\nalter table widgets add column colour text;\n",
    good="alter table widgets add column colour text;\n",
)


class ExplicitLock:
    """Finds ``LOCK TABLE``, whose lock lasts until the commit."""

    info = EXPLICIT_LOCK

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a finding for each lock of an existing table that blocks reads or writes."""
        for statement in change.statements.of("LockStmt"):
            mode = statement.tree.number("mode")
            old = [
                written(item)
                for item in statement.tree.many("relations")
                if change.statements.is_existing(statement, item)
            ]
            if mode < _SHARE or not old:
                continue
            reads = mode == _ACCESS_EXCLUSIVE
            yield statement_finding(
                EXPLICIT_LOCK,
                statement,
                (
                    f"`LOCK` holds {_MODES[mode]} on {', '.join(f'`{name}`' for name in old)} until the commit "
                    f"and blocks {'reads and writes' if reads else 'writes'}."
                ),
                help="Remove it; each statement takes the lock that it needs.",
                verdict=Verdict.FACT,
                hazard=Hazard.BLOCKS_READS if reads else Hazard.BLOCKS_WRITES,
            )
