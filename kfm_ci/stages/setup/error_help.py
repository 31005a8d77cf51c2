"""What to do about an error that is the throwaway server's as much as the statement's."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable

from kfm_ci.migrations import placeholders
from kfm_ci.model import Mode
from kfm_ci.postgres.engines import installations
from kfm_ci.postgres.script_outcome import ScriptOutcome
from kfm_ci.sql.script import Script

_EXTENSION = re.compile(r'extension "([^"]+)"')
_OWNED = re.compile(r"must be owner of extension (\S+)")
_FILLED_IN = re.compile(r'at or near "[{$%:<@]')
_TAKEN = re.compile(r'role "([^"]+)" already exists')
_SHARED = re.compile(
    r"^(?:\w{5}: )?(tablespace|database|subscription|replication slot|replication origin)\b.* already exists"
)
"""Whatever else all databases of a server share; roles are put back between runs."""
_MAKES_SHARED = re.compile(r"(?:create|alter|drop)\s+(tablespace|database|subscription)\b", re.IGNORECASE)
_ELSEWHERE = re.compile(r'schema "[^"]+" does not exist|(?:relation|function|type) "?\w+\.\w+.* does not exist')
_ROLE = re.compile(r'role "([^"]+)" does not exist')


def of(
    done: ScriptOutcome, script: Script, *, missing: Callable[[], Iterable[str]] = tuple, given: Iterable[str] = ()
) -> str | None:
    """Return what to do about an error that needs a setting or another file; None for another.

    ``missing`` returns all roles that are named and not there; ``given`` are those that are made beforehand.
    """
    error = done.error or ""
    if done.escaped and done.mode is Mode.AUTOCOMMIT:
        return "end it with COMMIT, or leave BEGIN out"
    if done.escaped or done.sqlstate in {"25001", "2D000"}:
        return "put the statement into a file of its own, outside a transaction; remove COMMIT and ROLLBACK"
    made = done.statement is not None and "if not exists" not in " ".join(done.statement.text.lower().split())
    if done.sqlstate == "42501" and made and (extension := _EXTENSION.search(error)):
        return (
            f"write `create extension if not exists`, and have it made beforehand, in kfm-ci.toml: [database] extensions = {_list(extension[1])}; "
            'a file that has run already stays as it is: there set [database] run-as = "superuser"'
        )
    if done.sqlstate == "42601" and _FILLED_IN.search(error) and (names := placeholders.fill(script.text)[1]):
        return f"another program fills in {names[0]}: give it a value in kfm-ci.toml: {placeholders.setting(names[0])}"
    if done.sqlstate in {"42704", "22023"} and (role := _ROLE.search(error)):
        # the whole line: whoever is told one role a run has to come back for each
        others = [name for name in missing() if name not in {*given, role[1]}]
        return f"make what is missing beforehand, in kfm-ci.toml: [database] roles = {_list(*given, role[1], *others)}"
    if done.statement is not None and (shared := _MAKES_SHARED.match(done.statement.text)) and done.sqlstate != "42501":
        return _elsewhere(shared[1].lower())
    return by_error(done.sqlstate, error)


def of_server(sqlstate: str | None, error: str) -> str | None:
    """Return what to do about a role that is not there or a right that a plain owner has not; None for another error."""
    if sqlstate == "42501" and (extension := _EXTENSION.search(error)):
        return (
            f"have it made beforehand, in kfm-ci.toml: [database] extensions = {_list(extension[1])}, and write "
            "`create extension if not exists`, which leaves it alone where an administrator has made it"
        )
    if sqlstate == "42501" and (extension := _OWNED.search(error)):
        return (
            f"who made {extension[1]} takes it away, here the administrator for [database] extensions: leave `drop extension` out, or set "
            'run-as = "superuser"'
        )
    if sqlstate == "42501":
        return (
            "migrations run as a plain owner; make extensions by [database] extensions, roles by [database] roles, or "
            'set run-as = "superuser"'
        )
    if sqlstate in {"42704", "22023"} and (role := _ROLE.search(error)):
        return f"make the role beforehand, in kfm-ci.toml: [database] roles = {_list(role[1])}"
    return None


def _elsewhere(kind: str) -> str:
    return (
        f"a {kind} belongs to the whole server, and the gate runs a migration on several databases of one: it cannot judge this; "
        "make it where the server is set up"
    )


def by_error(sqlstate: str | None, error: str) -> str | None:
    """Return what to do about an error whatever statement it is of; None for another."""
    if told := of_server(sqlstate, error):
        return told
    if sqlstate == "42710" and (role := _TAKEN.search(error)):
        return f"ask pg_roles first in a DO block: the base made the role, or kfm-ci.toml has it made beforehand, [database] roles = {_list(role[1])}"
    if shared := _SHARED.search(error):
        return _elsewhere(shared[1])
    if sqlstate in {"3F000", "42P01", "42883", "42704"} and _ELSEWHERE.search(error):
        return (
            "mend the statement; or, where a platform or another tool made it before the first migration, name SQL that does so too, "
            'in kfm-ci.toml: [migrations] baseline = "…"'
        )
    if sqlstate in {"0A000", "58P01"} and "extension" in error:
        return installations.extension_help(_EXTENSION.findall(error), installations.find())
    return None


def _list(*names: str) -> str:
    """Return a list of names as TOML has it."""
    return json.dumps(names, ensure_ascii=False)
