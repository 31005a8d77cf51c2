"""Tools that run all pending migrations in one transaction: effects that single steps do not show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kfm_ci.migrations.model import Migration
from kfm_ci.model import Finding, Place
from kfm_ci.postgres import run_script
from kfm_ci.rules.server.external_tool import SINGLE_TRANSACTION_RUN
from kfm_ci.stages.results import Provisioned
from kfm_ci.stages.setup.execution import failure_finding
from kfm_ci.stages.stage import Failed, StageOutcome


def check_single_transaction(base: Provisioned) -> tuple[Finding, ...]:
    """Run all new migrations in one transaction on a clone of the base; raises Failed when that fails.

    Returns nothing for a tool that gives each migration its own transaction.
    """
    if not base.change.head.semantics.single_transaction or len(base.new) < 2:
        return ()
    name = base.server.create_database("together", template=base.base_database)
    with base.connect(name) as connection:
        failed = run_script.apply_in_one_transaction(connection, tuple(item.up for item in base.new))
    base.server.drop_database(name)
    if failed is not None:
        number, done = failed
        migration = base.new[number]
        finding = _only_together(failure_finding(base, migration, migration.up, done), len(base.new))
        reason = f"{migration.id}: all new migrations in one transaction, as the tool runs them, fail"
        raise Failed(reason, StageOutcome(findings=(finding,)))
    return (locks_held_finding(base.new, base.change.head.format),)


def _only_together(found: Finding, count: int) -> Finding:
    message = found.message.removesuffix(".")
    return replace(
        found,
        message=f"Each migration applies alone, but the tool runs all {count} in one transaction. There {message}.",
        help="Deploy a migration first whose effects need a commit, such as a new enum value that a later one uses.",
    )


def locks_held_finding(new: Sequence[Migration], tool: str) -> Finding:
    """Return the note that locks of the first new migration are held to the end of the last."""
    last = new[-1]
    return SINGLE_TRANSACTION_RUN.finding(
        f"{tool} runs all {len(new)} new migrations in one transaction, so locks of the first are held until the last "
        "ends.",
        help="Deploy the migrations one by one where the locks are held too long.",
        place=Place(file=last.up_path, line=1),
        migration=last.id,
    )
