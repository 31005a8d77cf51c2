"""Rule ``transaction-control``: ends the transaction of the runner."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.migrations.model import Migration
from kfm_ci.model import Finding, Hazard, Mode, Place
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.rule import migration_finding
from kfm_ci.sql import statements, transactions
from kfm_ci.sql.script import Script

TRANSACTION_CONTROL = RuleInfo(
    id="transaction-control",
    hazard=Hazard.TRANSACTION,
    title="Ends the transaction of the runner",
    why=(
        "The runner opens a transaction, runs the file, writes the ledger and commits, so that a failure "
        "leaves nothing behind. `commit` or `rollback` in the file ends that transaction, so later statements "
        "run outside of it. Remove the statement; a `begin` with its `commit` is allowed where the tool sends "
        "the file as one message."
    ),
    bad="create table widgets (id bigint primary key);\ncommit;\n",
    good="create table widgets (id bigint primary key);\n",
)


class TransactionControl:
    """Finds ``COMMIT``, and ``ROLLBACK`` in down migrations, which end the runner's transaction."""

    info = TRANSACTION_CONTROL

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a finding for each statement that ends the runner's transaction."""
        for migration in change.new:
            for script in (migration.up, migration.down):
                if isinstance(script, Script) and (
                    transactions.mode(script) is Mode.TRANSACTION or transactions.resumption(script)
                ):
                    yield from self._judge(migration, script)

    def _judge(self, migration: Migration, script: Script) -> Iterator[Finding]:
        opened = False
        for part in statements.of(script):
            if not transactions.controls_transaction(part):
                continue
            if not transactions.leaves_transaction(part):
                opened = script.implicit_transaction
            elif opened:
                opened = False
            elif script is migration.down or statements.kind(part.text) != "ROLLBACK":
                yield migration_finding(
                    TRANSACTION_CONTROL,
                    f"`{statements.kind(part.text)}` ends the transaction of the file.",
                    help="Remove it; the runner commits the file.",
                    place=Place(file=script.file.path, line=part.line, column=part.column, end_line=part.end_line),
                    migration=migration,
                )
