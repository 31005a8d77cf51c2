"""Stage ``provision``: a server, and on it the base commit's schema."""

from __future__ import annotations

import json
import re

from kfm_ci.errors import CannotCheck
from kfm_ci.migrations import placeholders, reading
from kfm_ci.migrations.files import Migration, Script
from kfm_ci.model import Finding, Hazard, Outcome, Place, Severity
from kfm_ci.postgres import apply, catalog, extensions, ledger, roles, session
from kfm_ci.postgres.apply import Applied
from kfm_ci.postgres.engines import binaries
from kfm_ci.postgres.ledger import Entry
from kfm_ci.postgres.session import Session, reset
from kfm_ci.stages import foreign
from kfm_ci.stages.base import Failed, Run, Skip

_EXTENSION = re.compile(r'extension "([^"]+)"')
_FILLED_IN = re.compile(r'at or near "[{$%:<@]')
_ROLE = re.compile(r'role "([^"]+)" does not exist')


def script_of(migration: Migration) -> Script:
    """Return a migration's SQL; raises CannotCheck for one that a foreign tool must run."""
    if isinstance(migration.up, Script):
        return migration.up
    raise CannotCheck(code="KFM-C20", message="no runner for this tool's migrations", where=migration.up_path)


def entry_of(run: Run, migration: Migration) -> Entry:
    """Return the ledger's row for a migration."""
    from kfm_ci.migrations import transactions

    script = script_of(migration)
    return Entry(version=migration.id, name=migration.name, sha256=script.file.sha256, mode=transactions.mode(script),
                 run_id="gate", git_commit=run.commit)  # fmt: skip


def refusal(migration: Migration, script: Script, done: Applied) -> Finding:
    """Return the finding for a script that the server refused."""
    rule, hazard = "migration-failed", Hazard.MIGRATION_ERROR
    if done.escaped or done.sqlstate in {"25001", "2D000"}:
        rule, hazard = "transaction-refused", Hazard.TRANSACTION
    help = _remedy(done, script) or "mend the statement; nothing of the file was kept"
    place = Place(file=script.file.path, line=done.line, column=done.column,
                  end_line=done.statement.end_line if done.statement and len(done.statement.text) < len(script.text) else done.line)  # fmt: skip
    return Finding(rule=rule, hazard=hazard, severity=Severity.ERROR, message=f"PostgreSQL refused it: {done.error}",
                   help=help, place=place, migration=migration.id)  # fmt: skip


def _remedy(done: Applied, script: Script) -> str | None:
    """Return what to do about an error that is the throwaway server's as much as the statement's; None for another."""
    error = done.error or ""
    if done.escaped or done.sqlstate in {"25001", "2D000"}:
        return "put the statement into a file of its own, outside a transaction; remove COMMIT and ROLLBACK"
    if done.sqlstate == "42501":
        return (
            "migrations run as a plain owner; make extensions by [database] extensions, roles by [database] roles, or "
            'set run-as = "superuser"'
        )
    if done.sqlstate == "42704" and (role := _ROLE.search(error)):
        return (
            f"make the role beforehand, in kfm-ci.toml: [database] roles = {json.dumps([role[1]], ensure_ascii=False)}"
        )
    if done.sqlstate in {"0A000", "58P01"} and "extension" in error:
        return binaries.advice(_EXTENSION.findall(error), binaries.find())
    if done.sqlstate == "42601" and _FILLED_IN.search(error) and (names := placeholders.fill(script.text)[1]):
        return f"another program fills in {names[0]}: give it a value in kfm-ci.toml: {placeholders.setting(names[0])}"
    return None


def prepare(run: Run, database: str) -> None:
    """Give an empty database what is there before any migration: extensions, ledger, baseline."""
    with run.connect(database, admin=True) as admin:
        for extension in run.config.database.extensions:
            extensions.make(admin, extension)
    with run.connect(database) as connection:
        ledger.create(connection)
        if run.config.migrations.baseline is not None:
            _build(run, connection, run.config.migrations.baseline)


def _build(run: Run, connection: Session, path: str) -> None:
    found: list[Finding] = []
    file = reading.read(run.change.tree, path, found)
    if file is None:
        why = found[0].message if found else "no such file"
        raise CannotCheck(code="KFM-C21", message=f"the baseline cannot be read: {why}", where=path,
                          help="mend [migrations] baseline, or the file")  # fmt: skip
    script = Script(file=file, text=file.text)
    done = apply.run(connection, script, entry=None)
    if done.outcome is Outcome.FAILED:
        raise CannotCheck(code="KFM-C23", message=f"the baseline does not apply: {done.error}", where=f"{path}:{done.line or 1}",
                          help=_remedy(done, script) or "the baseline is plain SQL that the migrations' role can run on an empty database")  # fmt: skip
    reset(connection)


class Provision:
    """Starts the server and applies what the base has."""

    name = "provision"

    def run(self, run: Run) -> str | None:
        """Start the engine and build ``kfm_base``; a base that does not apply cannot be checked against."""
        if run.change.head.unreadable:
            self._admit(run)
            raise Skip("some files could not be read or ordered")
        if not run.new:
            raise Skip("nothing new to run")
        server = run.server = run.resources.enter_context(run.engine().start())
        name = run.base_database = server.create_database("base")
        with session.connect(server, name, admin=run.config.database.run_as == "superuser") as connection:
            session.accepts(connection, run.config.database.settings)
        with run.connect(name, admin=True) as administrator:
            for role in run.config.database.roles:
                roles.make(administrator, role, owner=server.owner)
        prepare(run, name)
        tool = run.change.head.tool
        if tool is not None:
            foreign.build_base(run, tool, name)
            foreign.record(run, tool)
        with run.connect(name) as connection:
            base = run.change.base.migrations if run.change.base else ()
            for migration in base if tool is None else ():
                reset(connection)
                done = apply.run(connection, script_of(migration), entry=entry_of(run, migration))
                if done.outcome is not Outcome.APPLIED:
                    run.findings.append(refusal(migration, script_of(migration), done))
                    raise Failed(f"the base commit's own migrations do not apply: {migration.id}")
            reset(connection)
            run.base_catalog = catalog.read(connection)
        return f"{server.detail}; {len(base)} migrations of the base"

    def _admit(self, run: Run) -> None:
        """What was merged unreadable is nobody's finding now; still, nothing could be checked."""
        told = any(item.severity is Severity.ERROR for item in run.findings if item in run.change.head.findings)
        if run.new and not told:
            first = next(iter(run.change.head.findings), None)
            raise CannotCheck(
                code="KFM-C24", message=f"a migration that is merged already cannot be run: {first.message if first else 'unreadable'}",
                where=first.place.file if first else run.change.head.directory, help=first.help if first else "mend the file",
            )  # fmt: skip
