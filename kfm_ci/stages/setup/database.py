"""A database before any migration: extensions, ledger, baseline, history table."""

from __future__ import annotations

from kfm_ci.postgres import extensions, ledger
from kfm_ci.stages.results import BaseDatabase
from kfm_ci.stages.setup import baseline, history_table


def prepare(base: BaseDatabase, database: str) -> None:
    """Create in an empty database what exists before any migration: extensions, ledger, baseline, history table."""
    with base.connect(database, admin=True) as admin:
        for extension in base.config.database.extensions:
            extensions.create(admin, extension)
        ledger.create(admin, writer=base.server.owner)
    with base.connect(database) as connection:
        baseline.build(base, connection)
        history_table.make_named(base, connection)
