"""Rule ``concurrent-index-if-not-exists``: IF NOT EXISTS can skip an invalid index."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.changed_statement import ChangeStatement
from kfm_ci.analysis.object_names import dropped, quote
from kfm_ci.model import Finding, Hazard, Verdict
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.rule import statement_finding

CONCURRENT_INDEX_IF_NOT_EXISTS = RuleInfo(
    id="concurrent-index-if-not-exists",
    hazard=Hazard.INVALID_INDEX,
    title="IF NOT EXISTS can skip an invalid index",
    why=(
        "A failed `create index concurrently` leaves an invalid index that slows down writes and "
        "serves no query. A second run with `if not exists` finds the name, does nothing and reports "
        "success. Drop the index first, then create it without `if not exists`."
    ),
    bad="create index concurrently if not exists widgets_name_idx on widgets (name);\n",
    good="drop index concurrently if exists widgets_name_idx;\n"
    "create index concurrently widgets_name_idx on widgets (name);\n",
)


class ConcurrentIndexIfNotExists:
    """Finds concurrent builds that skip an invalid index of a failed build."""

    info = CONCURRENT_INDEX_IF_NOT_EXISTS

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a finding for each such build without a preceding ``DROP INDEX``."""
        for statement in change.statements.of("IndexStmt"):
            name = statement.tree.text("idxname")
            if not (statement.tree.flag("concurrent") and statement.tree.flag("if_not_exists")) or _cleared(
                change, statement, name
            ):
                continue
            yield statement_finding(
                CONCURRENT_INDEX_IF_NOT_EXISTS,
                statement,
                f"`IF NOT EXISTS` skips an invalid `{quote(name)}` of an earlier attempt.",
                help=f"Write `drop index concurrently if exists {quote(name)};` above it, and create it without "
                "`if not exists`.",
                verdict=Verdict.FACT,
            )


def _cleared(change: Change, statement: ChangeStatement, name: str) -> bool:
    return any(
        drop.ordinal < statement.ordinal
        and drop.migration is statement.migration
        and (name,) in {n[-1:] for n in dropped(drop.tree)}
        for drop in change.statements.of("DropStmt")
    )
