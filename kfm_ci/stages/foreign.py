"""A foreign tool's migrations: run by the tool for real, recorded, and checked to be repeatable by our own runner.

What the tool sent is a script like any other afterwards: no later stage knows who wrote it. The verdict on the tool's
own run comes from its exit code, its history table and the server's answers together.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace

from psycopg import sql

from kfm_ci.errors import CannotCheck
from kfm_ci.evidence.recording import Recorded, Recorder, script
from kfm_ci.migrations import statements
from kfm_ci.migrations.files import Command, Migration, Script, Tool
from kfm_ci.model import Finding, Hazard, Mode, Outcome, Place, Severity
from kfm_ci.postgres import apply, catalog
from kfm_ci.postgres.catalog import Catalog
from kfm_ci.postgres.session import reset
from kfm_ci.stages import workshop
from kfm_ci.stages.base import Failed, Run
from kfm_ci.stages.workshop import Workshop


def build_base(run: Run, tool: Tool, database: str) -> None:
    """Bring a database to the base commit's state by the tool's own command on that commit's files."""
    tree = run.change.before
    if tree is None or run.server is None or not run.change.base or not run.change.base.migrations:
        return
    with workshop.opened(tree, tool, run.server, run.root) as shop:
        ended = shop.start(tool.up, database)
    if ended.code:
        raise Failed(f"the base commit's own migrations do not apply: {_last(ended.tail)}")
    if not _history(run, database, tool):
        raise _silent(tool)


def record(run: Run, tool: Tool) -> None:
    """Run each new migration by the tool, up and down, and put what it sent in the place of the command."""
    server, base = run.server, run.base_database
    if server is None or base is None:
        raise RuntimeError("no server yet")
    name = server.create_database("tool", template=base)
    with ExitStack() as stack:
        shop = stack.enter_context(workshop.opened(run.change.tree, tool, server, run.root))
        recorder = Recorder(server, name)
        ups = [(item, _up(run, shop, recorder, item, name)) for item in run.new]
        end = _catalog(run, name, tool)
        downs = {item.id: _down(run, shop, recorder, item, name) for item in reversed(run.new)}
        new = tuple(_scripted(item, up, downs[item.id]) for item, up in ups)
        _repeat(run, new, end, tool)
        if len(new) > 1:
            _as_one(run, shop, end, tool)
    by_id = {item.id: item for item in new}
    head = replace(run.change.head, migrations=tuple(by_id.get(item.id, item) for item in run.change.head.migrations))
    run.change = replace(run.change, head=head, new=new)
    server.drop_database(name)


def _up(run: Run, shop: Workshop, recorder: Recorder, migration: Migration, database: str) -> Recorded:
    command = migration.up
    if not isinstance(command, Command):
        raise RuntimeError("not run by a tool")
    before = _history(run, database, shop.tool)
    recorder.take()
    ended = shop.start(command.argv, database)
    recorded = script(recorder.take(), shop.tool.history_table)
    if ended.code:
        run.findings.append(_refused(migration, recorded, ended.tail))
        raise Failed(f"{migration.id}: {recorded.error or _last(ended.tail)}")
    if _history(run, database, shop.tool) == before:
        raise _silent(shop.tool)
    return recorded


def _down(run: Run, shop: Workshop, recorder: Recorder, migration: Migration, database: str) -> Recorded | None:
    command = migration.up
    if not isinstance(command, Command) or command.down is None:
        return None
    before = _history(run, database, shop.tool)
    ended = shop.start(command.down, database)
    recorded = script(recorder.take(), shop.tool.history_table)
    if ended.code == 0 and _history(run, database, shop.tool) != before:
        return recorded
    if recorded.error is not None:
        run.findings.append(Finding(
            rule="rollback-failed", hazard=Hazard.ROLLBACK_UNPROVEN, severity=Severity.ERROR, migration=migration.id,
            message=f"the tool's way back fails: {recorded.error}", help="mend the down of this migration",
            place=Place(file=migration.up_path, line=1),
        ))  # fmt: skip
    return None


def _scripted(migration: Migration, up: Recorded, down: Recorded | None) -> Migration:
    file = migration.up.file
    made = Script(file=file, text=up.text, mode=up.mode, recorded=True)
    back = None
    if down is not None:
        # lines of the way back begin behind those of the way there, so that no place means two statements
        back = Script(file=file, text=down.text, mode=down.mode, first_line=up.text.count("\n") + 2, recorded=True)
    return replace(migration, up=made, down=back)


def _repeat(run: Run, new: tuple[Migration, ...], end: Catalog, tool: Tool) -> None:
    """Run what was recorded by our own runner: the same schema must come out, else the record proves nothing."""
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
    difference = _unlike_schema(end, _catalog(run, name, tool), tool)
    if difference:
        raise _unlike(new[-1].id, difference)
    run.server.drop_database(name)


def _as_one(run: Run, shop: Workshop, end: Catalog, tool: Tool) -> None:
    """Run all that is new in one start, as production will: it must end where the single steps end."""
    if run.server is None:
        return
    name = run.server.create_database("head", template=run.base_database)
    recorder = Recorder(run.server, name)
    ended = shop.start(tool.up, name)
    recorded = script(recorder.take(), tool.history_table)
    place = Place(file=run.new[-1].up_path, line=1)
    if ended.code:
        run.findings.append(Finding(
            rule="migration-failed", hazard=Hazard.MIGRATION_ERROR, severity=Severity.ERROR, migration=run.new[-1].id, place=place,
            message=f"each migration applies alone, all in one run of the tool do not: {recorded.error or _last(ended.tail)}",
            help="look for what needs a transaction of its own, such as a new enum value that a later migration uses",
        ))  # fmt: skip
        raise Failed("all new migrations in one run of the tool fail")
    difference = _unlike_schema(end, _catalog(run, name, tool), tool)
    if difference:
        run.findings.append(Finding(
            rule="not-the-same-at-once", hazard=Hazard.NOT_REPEATABLE, severity=Severity.ERROR, migration=run.new[-1].id, place=place,
            message=f"one run of the tool leads to another schema than single steps: {difference}",
            help="let migrations not depend on how many run at once",
        ))  # fmt: skip
    if recorded.transactions == 1 and recorded.mode is Mode.TRANSACTION:
        run.findings.append(Finding(
            rule="one-transaction-for-all", hazard=Hazard.LOCK_ORDER, severity=Severity.NOTE, migration=run.new[-1].id, place=place,
            message=f"the tool runs all {len(run.new)} new migrations in one transaction: locks taken by the first are held to the end of the last",
            help="deploy them one by one where that is too long",
        ))  # fmt: skip
    run.server.drop_database(name)


def placed(findings: list[Finding], migrations: tuple[Migration, ...]) -> list[Finding]:
    """Return the findings with places that exist: what a tool sent is quoted, for its lines are not the file's."""
    return [_placed(item, migrations) for item in findings]


def _placed(item: Finding, migrations: tuple[Migration, ...]) -> Finding:
    migration = next((one for one in migrations if one.id == item.migration and one.up_path == item.place.file), None)
    line = item.place.line
    scripts = (
        [one for one in (migration.up, migration.down) if isinstance(one, Script) and one.recorded] if migration else []
    )
    if not scripts or line is None:
        return item
    quoted = next((part for one in scripts for part in statements.of(one) if part.line <= line <= part.end_line), None)
    told = f" (line {line} of what the tool sent: {' '.join(quoted.text.split())[:100]})" if quoted else ""
    return replace(item, message=item.message + told, place=Place(file=item.place.file, line=1))


def _history(run: Run, database: str, tool: Tool) -> str:
    """Return the tool's history table as one text; empty when there is none."""
    schema, _, table = tool.history_table.rpartition(".")
    with run.connect(database, admin=True) as connection:
        found = connection.execute(
            "select n.nspname, c.relname from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace "
            "where lower(c.relname) = lower(%s) and c.relkind in ('r', 'p') and (%s = '' or n.nspname = %s) order by 1 limit 1",
            [table, schema, schema],
        ).fetchone()
        if found is None:
            return ""
        query = sql.SQL("select coalesce(string_agg(t::text, e'\\n' order by t::text), '') from {} t").format(
            sql.Identifier(*found)
        )
        row = connection.execute(query).fetchone()
    return str(row[0]) if row else ""


def _catalog(run: Run, database: str, tool: Tool) -> Catalog:
    with run.connect(database) as connection:
        return catalog.read(connection)


def _unlike_schema(one: Catalog, other: Catalog, tool: Tool) -> str:
    """Return up to three objects in which two schemas differ; the tool's own tables do not count."""
    difference = catalog.diff(one, other)
    names = [*difference.added, *difference.removed, *(name for name, _, _ in difference.changed)]
    own = tool.history_table.rpartition(".")[2].lower()
    return ", ".join([name for name in names if own not in name.lower()][:3])


def _refused(migration: Migration, recorded: Recorded, tail: str) -> Finding:
    said = f"PostgreSQL refused it: {recorded.error}" if recorded.error else f"the tool failed: {_last(tail)}"
    outside = (recorded.error or "").startswith(("25001", "2D000"))
    return Finding(
        rule="transaction-refused" if outside else "migration-failed",
        hazard=Hazard.TRANSACTION if outside else Hazard.MIGRATION_ERROR,
        severity=Severity.ERROR, message=said, migration=migration.id, place=Place(file=migration.up_path, line=1),
        help="put the statement into a migration of its own that the tool runs outside a transaction" if outside else "mend the migration",
    )  # fmt: skip


def _silent(tool: Tool) -> CannotCheck:
    return CannotCheck(code="KFM-C44", message=f"the migration tool ended with 0, and its table {tool.history_table} did not change",
                       help="does the tool read DATABASE_URL, and is history-table right?", where="[migrations.command]")  # fmt: skip


def _unlike(migration: str, why: str) -> CannotCheck:
    return CannotCheck(code="KFM-C45", message=f"what the tool did cannot be repeated from what it sent: {why}", where=migration,
                       help="please report it; COPY from the client and answers that depend on time are not recorded")  # fmt: skip


def _last(tail: str) -> str:
    lines = [line.strip() for line in tail.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "it printed nothing"
