"""Part of stage ``provision``: the baseline, the schema before the first migration."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial

from kfm_ci.errors import CannotCheck
from kfm_ci.migrations import source_files
from kfm_ci.model import Finding, Outcome
from kfm_ci.postgres import roles, run_script
from kfm_ci.postgres.session import Session, reset
from kfm_ci.sql import statements
from kfm_ci.sql.role_references import needed
from kfm_ci.sql.script import Script, SourceFile
from kfm_ci.sql.tokens import words
from kfm_ci.stages.results import BaseDatabase
from kfm_ci.stages.setup import error_help

_RESTRICT = re.compile(r"^\\(?:un)?restrict\b[^\n]*$", re.MULTILINE)
_SETTING = re.compile(r"set\s+([a-z_]+_[a-z_]+)\s*(?:=|to\b)", re.IGNORECASE)
_KNOWN = "select from pg_catalog.pg_settings s where s.name operator(pg_catalog.=) %s::pg_catalog.text"


def build(base: BaseDatabase, session: Session) -> None:
    """Run the configured SQL file, which may be a dump of ``pg_dump``; raises CannotCheck where it does not apply."""
    path = base.config.migrations.baseline
    if path is None:
        return
    file = _file(base, path)
    script = _plain(Script(file=file, text=file.text), session)
    done = run_script.apply(session, script)
    if done.outcome is Outcome.FAILED:
        raise CannotCheck(
            code="KFM-C23",
            message=f"The baseline does not apply: {done.error}.",
            where=f"{path}:{done.line or 1}",
            help=error_help.of(
                done, script, missing=partial(missing_roles, base, script), given=base.config.database.roles
            )
            or "Dump the baseline by `pg_dump --no-owner --no-privileges`: the migrations' role must be able to run it "
            "on an empty database.",
        )
    reset(session)


def missing_roles(base: BaseDatabase, script: Script) -> tuple[str, ...]:
    """Return the roles that do not exist and that the script or another script of this run names."""
    merged = base.change.base.migrations if base.change.base else ()
    scripts = [item.up for item in (*merged, *base.pending) if isinstance(item.up, Script)]
    with base.connect(base.base_database, admin=True) as administrator:
        return roles.missing_roles(administrator, needed([script, *scripts]))


def _file(base: BaseDatabase, path: str) -> SourceFile:
    # the base's, where it has one: a dump that this change adds may contain the change
    trees = [tree for tree in (base.change.before, base.change.tree) if tree is not None]
    tree = next((tree for tree in trees if tree.exists(path)), base.change.tree)
    found: list[Finding] = []
    file = source_files.read(tree, path, found)
    if file is None:
        why = found[0].message if found else "no such file"
        raise CannotCheck(
            code="KFM-C21",
            message=f"The baseline cannot be read: {why}",
            where=path,
            help="Correct the path in `[migrations] baseline`, or the file.",
        )
    return file


def _plain(script: Script, session: Session) -> Script:
    """Blank what is not schema in a dump: psql's guards, comments on extensions, settings of newer servers."""
    text = _RESTRICT.sub(lambda found: " " * len(found[0]), script.text)
    script = replace(script, text=text)
    for part in statements.of(script):
        if _is_not_schema(part.text, session):
            stop = part.offset + len(part.text)
            text = text[: part.offset] + re.sub(r"[^\n]", " ", text[part.offset : stop]) + text[stop:]
    return replace(script, text=text)


def _is_not_schema(text: str, session: Session) -> bool:
    if [word.lower() for word in words(text, 3)] == ["comment", "on", "extension"]:
        return True
    setting = _SETTING.match(text)
    return setting is not None and not session.execute(_KNOWN, [setting[1].lower()]).fetchall()
