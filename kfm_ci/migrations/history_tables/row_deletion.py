"""SQL that deletes a migration's row from the history table of its tool."""

from __future__ import annotations

import hashlib

from kfm_ci.migrations.model import Migration, RowDeletion

START = hashlib.sha256(b"kfm-ci/ledger/v1\n").digest()
"""First value of the hash chain of kfm-ci's ledger."""

# The head must match the last remaining row, or the next run rejects the ledger. Databases without a ledger must not
# fail. Dollar quotes keep the command readable within the quotes of a shell.
LEDGER = RowDeletion(
    sql="do $do$ begin if to_regclass($$kfm_ci.ledger$$) is not null then "
    "delete from kfm_ci.ledger where version = {id}; if found then update kfm_ci.head set position = position - 1, "
    "chain = coalesce((select chain from kfm_ci.ledger order by position desc limit 1), $$\\x" + START.hex() + "$$); "
    "end if; end if; end $do$"
)
"""The deletion from kfm-ci's own ledger."""


def forget(deletion: RowDeletion, migration: Migration, previous: Migration | None) -> str:
    """Return the SQL that makes a migration pending for its tool.

    ``previous`` is the migration before it, in the tool's order; None for the first.
    """
    if previous is None and deletion.sql_of_first is not None:
        return deletion.sql_of_first
    return deletion.sql.format(
        text=_literal(migration.version),
        number=_number(migration),
        id=_literal(migration.id),
        previous=_number(previous) if previous is not None else "",
    )


def _number(migration: Migration) -> str:
    version = migration.version
    return str(int(version)) if version.isdecimal() else _literal(version)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
