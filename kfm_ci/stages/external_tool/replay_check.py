"""Where a foreign tool left a database, and whether our own runner gets there from what was recorded."""

from __future__ import annotations

from kfm_ci.errors import CannotCheck
from kfm_ci.evidence.tool_log import tool_tables
from kfm_ci.evidence.tool_log.tool_tables import ToolTables
from kfm_ci.migrations.model import Migration, Tool
from kfm_ci.model import Outcome
from kfm_ci.postgres import catalog, row_counts, run_script
from kfm_ci.postgres.catalog import Catalog
from kfm_ci.postgres.session import reset
from kfm_ci.sql.script import Script
from kfm_ci.stages.run import Run


class DatabaseState:
    """The state in which a tool left a database: its schema, and how many rows each table has."""

    def __init__(self, run: Run, database: str, tool: Tool) -> None:
        """Read it from a copy without the tool's own tables; nobody may be connected."""
        if run.server is None:
            raise RuntimeError("no server yet")
        name = run.server.create_database("end", template=database)
        with run.connect(name, admin=True) as connection:
            drop = ToolTables.of(tool).drop(connection.execute(tool_tables.EXISTING).fetchall())
            if drop is not None:
                connection.execute(drop)
            self.rows = row_counts.count(connection)
        self._own = ToolTables.of(tool)
        with run.connect(name) as connection:
            self.catalog: Catalog = catalog.read(connection)
        run.server.drop_database(name)

    def differs(self, other: DatabaseState) -> str | None:
        """Return in what another end is not the same, in a few words."""
        difference = catalog.diff(self.catalog, other.catalog)
        names = [*difference.added, *difference.removed, *(name for name, _, _ in difference.changed)]
        if names:
            return ", ".join(names[:3])
        for name in sorted(self.rows.keys() & other.rows.keys()):
            if self.rows[name] != other.rows[name] and not self._own.follows(f"table {name}"):
                return f"{name} has {self.rows[name]} rows in one, {other.rows[name]} in the other"
        return None


def repeat(run: Run, new: tuple[Migration, ...], end: DatabaseState, tool: Tool) -> None:
    """Run what was recorded by our own runner: the same must come out, else the record proves nothing."""
    if run.server is None or run.base_database is None:
        return
    name = run.server.create_database("repeat", template=run.base_database)
    with run.connect(name) as connection:
        for migration in new:
            reset(connection)
            if isinstance(migration.up, Script):
                done = run_script.run(connection, migration.up, entry=None)
                if done.outcome is Outcome.FAILED:
                    raise _unlike(migration.id, done.error or "it fails")
    difference = end.differs(DatabaseState(run, name, tool))
    if difference:
        raise _unlike(new[-1].id, difference)
    run.server.drop_database(name)


def _unlike(migration: str, why: str) -> CannotCheck:
    return CannotCheck(code="KFM-C45", message=f"what the tool did cannot be repeated from what it sent: {why}", where=migration,
                       help="please report it; COPY from the client and answers that depend on time are not recorded")  # fmt: skip
