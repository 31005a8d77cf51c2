"""Part of stage ``provision``: what was there before the first migration, and what its history table says has run."""

from __future__ import annotations

import re
from dataclasses import replace

from kfm_ci.errors import CannotCheck
from kfm_ci.migrations import history_tables, reading, statements
from kfm_ci.migrations.files import History, Migration, Script, SourceFile
from kfm_ci.migrations.history_tables import comparison
from kfm_ci.migrations.history_tables.comparison import Noted
from kfm_ci.migrations.tokens import words
from kfm_ci.model import Finding, Hazard, Outcome, Place, Severity
from kfm_ci.postgres import apply, history_table
from kfm_ci.postgres.session import Session, reset
from kfm_ci.stages import remedy
from kfm_ci.stages.base import Run

_RESTRICT = re.compile(r"^\\(?:un)?restrict\b[^\n]*$", re.MULTILINE)
_SETTING = re.compile(r"set\s+([a-z_]+_[a-z_]+)\s*(?:=|to\b)", re.IGNORECASE)
_KNOWN = "select from pg_settings where name = %s"


def build(run: Run, session: Session) -> None:
    """Run the configured file, which may be what ``pg_dump`` wrote; raises CannotCheck where it does not apply."""
    path = run.config.migrations.baseline
    if path is None:
        return
    file = _file(run, path)
    script = _plain(Script(file=file, text=file.text), session)
    done = apply.run(session, script, entry=None)
    if done.outcome is Outcome.FAILED:
        raise CannotCheck(code="KFM-C23", message=f"the baseline does not apply: {done.error}", where=f"{path}:{done.line or 1}",
                          help=remedy.of(done, script) or "the baseline is plain SQL that the migrations' role can run on an empty database; "
                          "dump it by `pg_dump --no-owner --no-privileges`")  # fmt: skip
    reset(session)


def noted(run: Run, database: str) -> Noted:
    """Return what the history table that came with the baseline says of the files; nothing where there is none."""
    path, head = run.config.migrations.baseline, run.change.head
    table = history_tables.of(head.format)
    if path is None or table is None:
        return Noted()
    tree = run.change.before or run.change.tree
    command = run.config.migrations.command
    name = (command.history_table if command else None) or table.named(tree, head.directory)
    with run.connect(database, admin=True) as session:
        rows = history_table.read(session, table, name)
    if not rows:
        return Noted()
    if run.change.base is None or not run.change.base.migrations:
        return comparison.compare(table, rows, head, name=name, place=path)
    held = comparison.compare(table, rows, head, name=name, place=path).applied
    taken = [_taken(item, head, name) for item in run.new if item.id in held]
    found = comparison.compare(table, rows, run.change.base, name=name, place=path)
    return replace(found, findings=(*found.findings, *taken))


def _taken(item: Migration, head: History, name: str) -> Finding:
    return Finding(
        rule="history-skips", hazard=Hazard.ORDER, severity=Severity.ERROR, migration=item.id, place=Place(file=item.up_path, line=1),
        message=f"{name}, as the baseline has it, says that {item.version or item.id} has run already: {head.format} would never run this file",
        help="give it a version after all others, or make the baseline anew from a database that the change has not reached",
    )  # fmt: skip


def _file(run: Run, path: str) -> SourceFile:
    # of the base, where it has one: a dump that the change brings along has the change in it
    trees = [tree for tree in (run.change.before, run.change.tree) if tree is not None]
    tree = next((tree for tree in trees if tree.exists(path)), run.change.tree)
    found: list[Finding] = []
    file = reading.read(tree, path, found)
    if file is None:
        why = found[0].message if found else "no such file"
        raise CannotCheck(code="KFM-C21", message=f"the baseline cannot be read: {why}", where=path,
                          help="mend [migrations] baseline, or the file")  # fmt: skip
    return file


def _plain(script: Script, session: Session) -> Script:
    """Blank what dumps hold beside the schema: psql's guards, remarks on extensions, settings of newer servers."""
    text = _RESTRICT.sub(lambda found: " " * len(found[0]), script.text)
    script = replace(script, text=text)
    for part in statements.of(script):
        if _beside(part.text, session):
            stop = part.offset + len(part.text)
            text = text[: part.offset] + re.sub(r"[^\n]", " ", text[part.offset : stop]) + text[stop:]
    return replace(script, text=text)


def _beside(text: str, session: Session) -> bool:
    if [word.lower() for word in words(text, 3)] == ["comment", "on", "extension"]:
        return True
    setting = _SETTING.match(text)
    return setting is not None and not session.execute(_KNOWN, [setting[1].lower()]).fetchall()
