"""Leaving the transaction has a reason."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.migrations.files import Header, Migration
from kfm_ci.model import Finding, Hazard
from kfm_ci.rules.base import Change, finding
from kfm_ci.rules.header_block import EXAMPLE, headed, key_place
from kfm_ci.rules.header_placeholder import placeholder


class HeaderTransaction:
    """Leaving the transaction gives up that all or nothing happens, so it needs a reason."""

    id = "header-transaction"
    hazard = Hazard.HEADER
    title = "`transaction: no` has a reason"
    why = (
        "Inside one transaction a failed migration leaves nothing behind. `transaction: no` gives that up, "
        "so reviewers must read why."
    )
    bad = EXAMPLE.replace("-- dialect", "-- transaction: no\n-- dialect")
    good = EXAMPLE.replace(
        "-- dialect", "-- transaction: no\n-- transaction-reason: the index is built concurrently\n-- dialect"
    ).replace(
        "create table widgets (id bigint generated always as identity primary key);",
        "create index concurrently i on t (a);",
    )

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield headers whose ``transaction`` lacks a reason."""
        for migration, header in headed(change):
            value = header.values.get("transaction", "").strip()
            if value == "no":
                yield from self._without(migration, header)

    def _without(self, migration: Migration, header: Header) -> Iterator[Finding]:
        reason = header.values.get("transaction-reason", "").strip()
        place = key_place(migration, header, "transaction")
        if not reason or placeholder(reason):
            yield finding(
                self,
                "transaction: no needs the key `transaction-reason`",
                help="write `-- transaction-reason: …`, or leave `transaction` out",
                place=place,
                migration=migration,
            )
