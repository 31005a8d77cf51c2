"""A database before any migration: extensions, ledger, baseline, history table."""

from __future__ import annotations

from kfm_ci.postgres import extensions, ledger
from kfm_ci.stages.run import Run
from kfm_ci.stages.setup import baseline, history_table


def prepare(run: Run, database: str) -> None:
    """Give an empty database what is there before any migration: extensions, ledger, baseline, the tool's own table."""
    with run.connect(database, admin=True) as admin:
        for extension in run.config.database.extensions:
            extensions.make(admin, extension)
    with run.connect(database) as connection:
        ledger.create(connection)
        baseline.build(run, connection)
        history_table.make_named(run, connection)
