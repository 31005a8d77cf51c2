"""Rule ``header-transaction``: declared transaction does not fit the statements."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.header_keys import EXAMPLE, headed, key_place, placeholder
from kfm_ci.migrations.model import Header, Migration
from kfm_ci.model import Finding, Hazard, Place, Severity
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.rule import migration_finding
from kfm_ci.sql import statements
from kfm_ci.sql.script import Script
from kfm_ci.sql.transactions import requires_autocommit

HEADER_TRANSACTION = RuleInfo(
    id="header-transaction",
    hazard=Hazard.HEADER,
    title="Declared transaction does not fit the statements",
    why=(
        "In one transaction a failed migration leaves nothing behind. `transaction: no` gives that up; "
        "`transaction: yes` fails on statements that cannot run in a transaction block. Correct the key or "
        "give `transaction-reason`."
    ),
    severities=(
        Severity.ERROR,
        Severity.WARNING,
    ),
    bad=EXAMPLE.replace("-- dialect", "-- transaction: no\n-- dialect"),
    good=EXAMPLE.replace(
        "-- dialect", "-- transaction: no\n-- transaction-reason: the index is built concurrently\n-- dialect"
    ).replace(
        "create table widgets (id bigint generated always as identity primary key);",
        "create index concurrently i on t (a);",
    ),
)


class HeaderTransaction:
    """Compares the key ``transaction`` with what the statements need."""

    info = HEADER_TRANSACTION

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a finding for each ``transaction`` without a reason or in conflict with the statements."""
        for migration, header in headed(change):
            value = header.values.get("transaction", "").strip()
            if value == "no":
                yield from self._without(migration, header)
            elif value == "yes" and isinstance(migration.up, Script):
                yield from self._within(migration, migration.up)

    def _without(self, migration: Migration, header: Header) -> Iterator[Finding]:
        reason = header.values.get("transaction-reason", "").strip()
        place = key_place(migration, header, "transaction")
        if not reason or placeholder(reason):
            yield migration_finding(
                HEADER_TRANSACTION,
                "`transaction: no` needs the key `transaction-reason`.",
                help="Write `-- transaction-reason: …`, or remove `transaction`.",
                place=place,
                migration=migration,
            )
        if not isinstance(migration.up, Script):
            return
        found = statements.of(migration.up)
        if len(found) > 1 and not any(requires_autocommit(item) for item in found):
            yield migration_finding(
                HEADER_TRANSACTION,
                (
                    "The header declares `transaction: no`, but no statement needs it: a failure leaves the "
                    "migration partly applied."
                ),
                help="Remove `transaction`, so that the whole file is applied or nothing.",
                place=place,
                migration=migration,
                severity=Severity.WARNING,
            )

    def _within(self, migration: Migration, script: Script) -> Iterator[Finding]:
        for item in statements.of(script):
            if requires_autocommit(item):
                yield migration_finding(
                    HEADER_TRANSACTION,
                    (
                        f"The header declares `transaction: yes`, but `{statements.kind(item.text)}` cannot run "
                        "in a transaction block."
                    ),
                    help="Move the statement to its own migration with `transaction: no` and a reason.",
                    place=Place(file=migration.up_path, line=item.line, column=item.column, end_line=item.end_line),
                    migration=migration,
                )
