"""Rule ``set-local-without-transaction``: SET LOCAL without a transaction has no effect."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.excerpt import shown
from kfm_ci.model import Finding, Hazard, Verdict
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.rule import statement_finding

SET_LOCAL_WITHOUT_TRANSACTION = RuleInfo(
    id="set-local-without-transaction",
    hazard=Hazard.TIMEOUT,
    title="SET LOCAL without a transaction has no effect",
    why=(
        "A file with `create index concurrently` runs without a transaction, so `set local "
        "lock_timeout` ends with its own statement. The time-out that reviewers see is not in effect."
        " Use `set` and `reset`."
    ),
    bad="set local lock_timeout = '2s';\ncreate index concurrently widgets_name_idx on widgets (name);\n",
    good="set lock_timeout = '2s';\ncreate index concurrently widgets_name_idx on widgets (name);\n",
)


class SetLocalWithoutTransaction:
    """Finds ``SET LOCAL`` outside a transaction block, where it has no effect."""

    info = SET_LOCAL_WITHOUT_TRANSACTION

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a finding for each local setting without effect."""
        for statement in change.statements.of("VariableSetStmt"):
            if statement.tree.flag("is_local") and statement.transaction is None:
                name = shown(statement.tree.text("name"))
                yield statement_finding(
                    SET_LOCAL_WITHOUT_TRANSACTION,
                    statement,
                    f"`set local {name}` has no effect, because the file does not run in a transaction.",
                    help=f"Write `set {name} = …;`.",
                    verdict=Verdict.FACT,
                )
