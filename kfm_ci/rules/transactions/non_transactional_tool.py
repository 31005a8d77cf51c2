"""Rule ``non-transactional-tool``: tool runs statements without a transaction."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.model import Finding, Hazard, Mode, Severity
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.rule import migration_finding
from kfm_ci.sql import statements
from kfm_ci.sql.script import Script

NON_TRANSACTIONAL_TOOL = RuleInfo(
    id="non-transactional-tool",
    hazard=Hazard.TRANSACTION,
    title="Tool runs statements without a transaction",
    why=(
        "Some tools send each statement separately, such as Prisma from 7.4 on. If the third of five "
        "statements fails, the first two stay applied and the migration cannot simply run again. "
        "Write one statement per migration, or put `begin;` and `commit;` in the file."
    ),
    severities=(Severity.NOTE,),
    bad="create table widgets (id bigint primary key);\nalter table gadgets add column widget bigint;\n",
    good="begin;\ncreate table widgets (id bigint primary key);\n"
    "alter table gadgets add column widget bigint;\ncommit;\n",
)


class NonTransactionalTool:
    """Reports once per change that the tool runs statements without a transaction."""

    info = NON_TRANSACTIONAL_TOOL

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield one note for the first new migration with several statements."""
        if not change.head.semantics.non_transactional:
            return
        for migration in change.new:
            if not isinstance(migration.up, Script) or migration.up.mode is not Mode.AUTOCOMMIT:
                continue
            parts = statements.of(migration.up)
            if len(parts) > 1:
                yield migration_finding(
                    NON_TRANSACTIONAL_TOOL,
                    (
                        f"{change.head.format} runs a migration without a transaction: if a statement fails, the "
                        "ones before it stay applied."
                    ),
                    help="Write one statement per migration, or wrap the file in `begin;` and `commit;`.",
                    migration=migration,
                )
                return
