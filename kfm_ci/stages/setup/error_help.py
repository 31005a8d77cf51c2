"""Helps for errors that a setting or the throwaway server causes as often as the statement does."""

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
"""Objects of the whole cluster; roles are too, but are restored between runs."""
_MAKES_SHARED = re.compile(r"(?:create|alter|drop)\s+(tablespace|database|subscription)\b", re.IGNORECASE)
_ELSEWHERE = re.compile(r'schema "[^"]+" does not exist|(?:relation|function|type) "?\w+\.\w+.* does not exist')
_ROLE = re.compile(r'role "([^"]+)" does not exist')


def of(
    done: ScriptOutcome, script: Script, *, missing: Callable[[], Iterable[str]] = tuple, given: Iterable[str] = ()
) -> str | None:
    """Return the help for an error that a setting or another file avoids; None for another error.

    ``missing`` returns all roles that scripts name and that do not exist; ``given`` are those that the settings create.
    """
    error = done.error or ""
    if done.escaped and done.mode is Mode.AUTOCOMMIT:
        return "End the transaction with COMMIT, or remove BEGIN."
    if done.escaped or done.sqlstate in {"25001", "2D000"}:
        return "Write the statement in a file of its own that runs outside a transaction. Remove COMMIT and ROLLBACK."
    creates = done.statement is not None and "if not exists" not in " ".join(done.statement.text.lower().split())
    if done.sqlstate == "42501" and creates and (extension := _EXTENSION.search(error)):
        return (
            f"Write `CREATE EXTENSION IF NOT EXISTS`, and set `[database] extensions = {_list(extension[1])}` in "
            'kfm-ci.toml. Where the file is already applied, set `[database] run-as = "superuser"` instead.'
        )
    if done.sqlstate == "42601" and _FILLED_IN.search(error) and (names := placeholders.fill(script.text)[1]):
        return f"Set the value of the placeholder `{names[0]}` in kfm-ci.toml: {placeholders.setting(names[0])}."
    if done.sqlstate in {"42704", "22023"} and (role := _ROLE.search(error)):
        # all missing roles in one line: with one role a run, each would need a run of its own
        others = [name for name in missing() if name not in {*given, role[1]}]
        return f"Set `[database] roles = {_list(*given, role[1], *others)}` in kfm-ci.toml."
    if done.statement is not None and (shared := _MAKES_SHARED.match(done.statement.text)) and done.sqlstate != "42501":
        return _cluster_wide(shared[1].lower())
    return by_error(done.sqlstate, error)


def of_server(sqlstate: str | None, error: str) -> str | None:
    """Return the help for a missing role or privilege; None for another error."""
    if sqlstate == "42501" and (extension := _EXTENSION.search(error)):
        return (
            f"Set `[database] extensions = {_list(extension[1])}` in kfm-ci.toml, and write `CREATE EXTENSION IF NOT "
            "EXISTS`, which does nothing where the administrator has created it."
        )
    if sqlstate == "42501" and (extension := _OWNED.search(error)):
        return (
            f'Remove `DROP EXTENSION`, or set `[database] run-as = "superuser"`: only the owner of {extension[1]}, '
            "here the administrator, can drop it."
        )
    if sqlstate == "42501":
        return (
            "Create extensions by `[database] extensions` and roles by `[database] roles`, or set "
            '`[database] run-as = "superuser"`: migrations run as the owner of the database.'
        )
    if sqlstate in {"42704", "22023"} and (role := _ROLE.search(error)):
        return f"Set `[database] roles = {_list(role[1])}` in kfm-ci.toml."
    return None


def _cluster_wide(kind: str) -> str:
    return (
        f"Create the {kind} when you provision the server: it belongs to the whole cluster, and kfm-ci runs a "
        "migration on several databases of one cluster."
    )


def by_error(sqlstate: str | None, error: str) -> str | None:
    """Return the help for an error that does not depend on the statement; None for another error."""
    if help := of_server(sqlstate, error):
        return help
    if sqlstate == "42710" and (role := _TAKEN.search(error)):
        return (
            "Check `pg_roles` before `CREATE ROLE` in a DO block: a migration of the base or kfm-ci.toml, by "
            f"`[database] roles = {_list(role[1])}`, has created the role."
        )
    if shared := _SHARED.search(error):
        return _cluster_wide(shared[1])
    if sqlstate in {"3F000", "42P01", "42883", "42704"} and _ELSEWHERE.search(error):
        return (
            "Correct the name. If a platform or another tool creates the object before the first migration, name an "
            'SQL file that creates it in kfm-ci.toml: `[migrations] baseline = "…"`.'
        )
    if sqlstate in {"0A000", "58P01"} and "extension" in error:
        return installations.extension_help(_EXTENSION.findall(error), installations.find())
    return None


def _list(*names: str) -> str:
    """Return names as a TOML array."""
    return json.dumps(names, ensure_ascii=False)
