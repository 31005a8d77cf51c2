"""The state in which a tool left a database, and whether replaying the recorded SQL reaches it."""

from __future__ import annotations

from kfm_ci.errors import CannotCheck
from kfm_ci.evidence.tool_log import tool_tables
from kfm_ci.evidence.tool_log.tool_tables import ToolTables
from kfm_ci.migrations.model import ToolTableNames
from kfm_ci.model import Outcome
from kfm_ci.postgres import catalog, row_counts, run_script
from kfm_ci.postgres.catalog import Catalog
from kfm_ci.postgres.session import reset
from kfm_ci.stages.results import BaseDatabase, ExecutableMigration


class DatabaseState:
    """The state in which a tool left a database: its schema, and how many rows each table has."""

    def __init__(self, base: BaseDatabase, database: str, tables: ToolTableNames) -> None:
        """Read it from a copy without the tool's own tables; the database must have no connections."""
        name = base.server.create_database("end", template=database)
        with base.connect(name, admin=True) as connection:
            drop = ToolTables.of(tables).drop_statement(connection.execute(tool_tables.EXISTING).fetchall())
            if drop is not None:
                connection.execute(drop)
            self.rows = row_counts.count(connection)
        self._own = ToolTables.of(tables)
        with base.connect(name) as connection:
            self.catalog: Catalog = catalog.read(connection)
        base.server.drop_database(name)

    def differs(self, other: DatabaseState) -> str | None:
        """Return how another state differs, in a few words; None when it is equal."""
        difference = catalog.diff(self.catalog, other.catalog)
        names = [*difference.added, *difference.removed, *(name for name, _, _ in difference.changed)]
        if names:
            return ", ".join(names[:3])
        for name in sorted(self.rows.keys() & other.rows.keys()):
            if self.rows[name] != other.rows[name] and not self._own.is_filling_statement(f"table {name}"):
                return f"{name} has {self.rows[name]} rows in one, {other.rows[name]} in the other"
        return None


def check_replay(
    base: BaseDatabase, new: tuple[ExecutableMigration, ...], state: DatabaseState, tables: ToolTableNames
) -> None:
    """Replay the recorded SQL with our own runner; raises CannotCheck when it gives another state than the tool."""
    name = base.server.create_database("repeat", template=base.base_database)
    with base.connect(name) as connection:
        for migration in new:
            reset(connection)
            done = run_script.apply(connection, migration.up)
            if done.outcome is Outcome.FAILED:
                raise _replay_failure(migration.id, done.error or "a migration fails")
    difference = state.differs(DatabaseState(base, name, tables))
    if difference:
        raise _replay_failure(new[-1].id, difference)
    base.server.drop_database(name)


def _replay_failure(migration: str, why: str) -> CannotCheck:
    return CannotCheck(
        code="KFM-C45",
        message=f"Replaying the recorded SQL gave a different result: {why}.",
        where=migration,
        help="Report this as a defect. COPY from the client and results that depend on time are not recorded.",
    )
