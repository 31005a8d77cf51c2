"""Tools that put all that is pending into one transaction: what single steps do not show."""

from __future__ import annotations

from kfm_ci.migrations.model import Migration
from kfm_ci.model import Finding, Hazard, Place, Severity
from kfm_ci.postgres import run_script
from kfm_ci.postgres.engines.base import Server
from kfm_ci.stages.run import Run
from kfm_ci.stages.setup import single_transaction
from kfm_ci.stages.setup.execution import refusal, script_of
from kfm_ci.stages.stage import Failed


def run(run: Run, server: Server) -> None:
    """Run all new migrations in one transaction on a clone of the base, as the tool will; raises Failed when that fails."""
    if not run.change.head.together or len(run.new) < 2:
        return
    name = server.create_database("together", template=run.base_database)
    with run.connect(name) as connection:
        failed = run_script.together(connection, tuple(script_of(item) for item in run.new))
    server.drop_database(name)
    if failed is not None:
        number, done = failed
        migration = run.new[number]
        run.findings.append(_only_at_once(refusal(run, migration, script_of(migration), done), run.new))
        raise Failed(f"{migration.id}: all new migrations in one transaction, as the tool runs them, fail")
    single_transaction.tell(run, run.change.head.format)


def _only_at_once(found: Finding, new: tuple[Migration, ...]) -> Finding:
    return Finding(
        rule=found.rule, hazard=found.hazard, severity=found.severity, place=found.place, migration=found.migration,
        message=f"each migration applies alone, but the tool runs all {len(new)} in one transaction, and there {found.message}",
        help="look for what needs a commit before it, such as a new enum value that a later migration uses: deploy that one first",
    )  # fmt: skip


def tell(run: Run, tool: str) -> None:
    """Note that the locks of the first new migration are held to the end of the last."""
    last = run.new[-1]
    run.findings.append(Finding(
        rule="single-transaction-run", hazard=Hazard.LOCK_ORDER, severity=Severity.NOTE, migration=last.id,
        message=f"{tool} runs all {len(run.new)} new migrations in one transaction: locks taken by the first are held to the end of the last",
        help="deploy them one by one where that is too long", place=Place(file=last.up_path, line=1),
    ))  # fmt: skip
