"""What a foreign tool did, done again: by our own runner from the record, and by the tool in one run, as production will."""

from __future__ import annotations

from kfm_ci.errors import CannotCheck
from kfm_ci.evidence import bookkeeping
from kfm_ci.evidence.bookkeeping import Bookkeeping
from kfm_ci.evidence.recording import Recorder, script
from kfm_ci.migrations.files import Migration, Script, Tool
from kfm_ci.model import Finding, Hazard, Mode, Outcome, Place, Severity
from kfm_ci.postgres import apply, catalog, tally
from kfm_ci.postgres.catalog import Catalog
from kfm_ci.postgres.session import reset
from kfm_ci.stages.attempt import last, refused
from kfm_ci.stages.base import Failed, Run
from kfm_ci.stages.workshop import Workshop


class End:
    """The state in which a tool left a database: its schema, and how many rows each table has."""

    def __init__(self, run: Run, database: str, tool: Tool) -> None:
        """Read it from a copy without the tool's own tables; nobody may be connected."""
        if run.server is None:
            raise RuntimeError("no server yet")
        name = run.server.create_database("end", template=database)
        with run.connect(name, admin=True) as connection:
            drop = Bookkeeping.of(tool).drop(connection.execute(bookkeeping.EXISTING).fetchall())
            if drop is not None:
                connection.execute(drop)
            self.rows = tally.count(connection)
        with run.connect(name) as connection:
            self.catalog: Catalog = catalog.read(connection)
        run.server.drop_database(name)

    def differs(self, other: End) -> str | None:
        """Return in what another end is not the same, in a few words."""
        difference = catalog.diff(self.catalog, other.catalog)
        names = [*difference.added, *difference.removed, *(name for name, _, _ in difference.changed)]
        if names:
            return ", ".join(names[:3])
        for name in sorted(self.rows.keys() & other.rows.keys()):
            if self.rows[name] != other.rows[name]:
                return f"{name} has {self.rows[name]} rows in one, {other.rows[name]} in the other"
        return None


def repeat(run: Run, new: tuple[Migration, ...], end: End, tool: Tool) -> None:
    """Run what was recorded by our own runner: the same must come out, else the record proves nothing."""
    if run.server is None or run.base_database is None:
        return
    name = run.server.create_database("repeat", template=run.base_database)
    with run.connect(name) as connection:
        for migration in new:
            reset(connection)
            if isinstance(migration.up, Script):
                done = apply.run(connection, migration.up, entry=None)
                if done.outcome is Outcome.FAILED:
                    raise _unlike(migration.id, done.error or "it fails")
    difference = end.differs(End(run, name, tool))
    if difference:
        raise _unlike(new[-1].id, difference)
    run.server.drop_database(name)


def as_one(run: Run, shop: Workshop, end: End, tool: Tool) -> None:
    """Run all that is new in one start, as production will: it must end where the single steps end."""
    if run.server is None:
        return
    name = run.server.create_database("head", template=run.base_database)
    recorder = Recorder(run.server, name)
    ended = shop.start(tool.up, name)
    recorded = script(recorder.take(), Bookkeeping.of(tool))
    migration = run.new[-1]
    place = Place(file=migration.up_path, line=1)
    if ended.code:
        run.findings.append(Finding(
            rule="migration-failed", hazard=refused(migration, recorded, ended).hazard, severity=Severity.ERROR, migration=migration.id, place=place,
            message=f"each migration applies alone, all in one run of the tool do not: {recorded.error or last(ended.tail)}",
            help="look for what needs a transaction of its own, such as a new enum value that a later migration uses",
        ))  # fmt: skip
        raise Failed("all new migrations in one run of the tool fail")
    difference = end.differs(End(run, name, tool))
    if difference:
        run.findings.append(Finding(
            rule="not-the-same-at-once", hazard=Hazard.NOT_REPEATABLE, severity=Severity.ERROR, migration=migration.id, place=place,
            message=f"one run of the tool leads to another state than single steps: {difference}",
            help="let migrations not depend on how many run at once",
        ))  # fmt: skip
    if recorded.transactions == 1 and recorded.mode is Mode.TRANSACTION:
        run.findings.append(Finding(
            rule="one-transaction-for-all", hazard=Hazard.LOCK_ORDER, severity=Severity.NOTE, migration=migration.id, place=place,
            message=f"the tool runs all {len(run.new)} new migrations in one transaction: locks taken by the first are held to the end of the last",
            help="deploy them one by one where that is too long",
        ))  # fmt: skip
    run.server.drop_database(name)


def _unlike(migration: str, why: str) -> CannotCheck:
    return CannotCheck(code="KFM-C45", message=f"what the tool did cannot be repeated from what it sent: {why}", where=migration,
                       help="please report it; COPY from the client and answers that depend on time are not recorded")  # fmt: skip
