"""The settings of the head and the base, and findings on the settings that a change edits."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from kfm_ci import config
from kfm_ci.analysis.excerpt import shown
from kfm_ci.config import FILE_NAME, Config
from kfm_ci.config_decision import SettingChange, changes, settings_to_use
from kfm_ci.errors import CannotCheck, UsageError
from kfm_ci.migrations.commit_tree import CommitTree
from kfm_ci.migrations.model import Tree, Unreadable
from kfm_ci.migrations.work_tree import WorkTree
from kfm_ci.model import Finding, Place, Severity
from kfm_ci.rules import registry
from kfm_ci.rules.server.declaration import POLICY_CHANGED
from kfm_ci.rules.server.settings import SETTING_CHANGED

PYPROJECT = "pyproject.toml"
_MAX_BYTES = 1_048_576
_MOST = 40
"""Findings on settings that are reported one by one."""
_REACHING_OUT = re.compile(
    r"dblink|.*_fdw|.*http.*|pg_net|pg_cron|pg_background|adminpack|file.*|orafce|pgagent|.*(?:s3|lambda|azure|gcs).*"
    r"|pl(?:\w*u|sh|r|java|php|julia|lua\w*|v8\w*|js|coffee|ls)|(?:\w+_)?pl(?:python|perl|tcl)\w*u|pl(?:python|proxy)\w*"
    r"|redis\w*|pg_amqp|amqp|kafka\w*|pgbouncer\w*|pglogical|multicorn\w*|pg_curl|pgsmtp|.*duckdb.*"
)
"""Names of extensions with functions that open connections, files or programs on the server."""
_POLICY = ("policy.", "environments.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of both sides of a change, and those that its check uses."""

    head: Config
    base: Config | None
    """None: there is no base, or it has no settings."""
    used: Config
    file: str | None
    """Path of the head's settings file; None: there is none."""
    edited: tuple[str, ...] = ()
    """Keys that the change edits."""

    def for_first_migrations(self) -> Settings:
        """Return the settings for a base without migrations, where the head decides where they are."""
        first = settings_to_use(None, self.head).migrations
        return replace(self, used=self.used.model_copy(update={"migrations": first}))

    @property
    def notices(self) -> tuple[Finding, ...]:
        """Return a finding for each setting that the change edits."""
        edited = changes(self.base or Config(), self.head, self.used)
        return tuple(_notices([item for item in edited if item.key in self.edited], self.file or FILE_NAME))


def read(tree: Tree, name: str | None) -> Config:
    """Return the settings of the work tree; raises UsageError if they are not valid."""
    _check_names(tree, name)
    found = _settings(tree, name)
    if found is None and name is not None and path_of(tree, name) is None:
        raise UsageError(
            code="KFM-U04",
            message="The configuration file does not exist.",
            where=name,
            help="Name a path relative to the repository.",
        )
    settings = found or Config()
    registry.known(settings.policy.severity, where=path_of(tree, name) or FILE_NAME)
    return settings


def compare(tree: Tree, name: str | None, base: CommitTree | None, merge_base: CommitTree | None) -> Settings:
    """Return the settings for the check of a change; raises CannotCheck if those of the base are not valid.

    A setting that only the base has edited since the change began is not part of the change.
    """
    head, path = read(tree, name), path_of(tree, name)
    if base is None:
        return Settings(head=head, base=None, used=head, file=path)
    settings = _of_commit(base, name)
    used = _without_network(settings_to_use(settings, head), settings or Config())
    edited = {item.key for item in changes(settings or Config(), head, used)}
    if merge_base is not None and merge_base is not base:
        edited &= {item.key for item in changes(_of_commit(merge_base, name) or Config(), head, used)}
    return Settings(head=head, base=settings, used=used, file=path, edited=tuple(sorted(edited)))


def _without_network(used: Config, base: Config) -> Config:
    """Return the settings without extensions that reach other hosts, files or programs, unless the base has them."""
    extensions = tuple(
        name
        for name in used.database.extensions
        if name in base.database.extensions or not _REACHING_OUT.fullmatch(name.strip().lower())
    )
    return used.model_copy(update={"database": used.database.model_copy(update={"extensions": extensions})})


def _notices(edited: list[SettingChange], path: str) -> Iterator[Finding]:
    place = Place(file=path, line=1, end_line=1)
    for item in edited[:_MOST]:
        is_policy = item.key.startswith(_POLICY)
        effect = "The check uses the new value." if item.is_used else "The check uses the base commit's value."
        yield (POLICY_CHANGED if is_policy else SETTING_CHANGED).finding(
            f"This change sets `{shown(item.key, 100)}` from {_quoted(item.old)} to {_quoted(item.new)}.",
            help=f"Review the edit. {effect}",
            place=place,
            severity=Severity.NOTE if is_policy or item.is_used else Severity.WARNING,
        )
    if len(edited) > _MOST:
        yield SETTING_CHANGED.finding(
            f"This change edits {len(edited) - _MOST} more settings.",
            help="Review the edit of the settings file.",
            place=place,
            severity=Severity.WARNING,
        )


def _quoted(value: str) -> str:
    return f"`{shown(value, 80).replace('`', chr(39))}`"


def _of_commit(tree: CommitTree, name: str | None) -> Config | None:
    wanted = {FILE_NAME, PYPROJECT} if name is None else {name}
    unreadable = next((path for path in tree.paths(".") if path in wanted and not tree.exists(path)), None)
    try:
        if unreadable is not None:
            _bytes(tree, unreadable)
        return _settings(tree, name)
    except UsageError as error:
        raise CannotCheck(
            code="KFM-C16",
            message=f"The settings of the base commit are not valid: {error.message.rstrip('.')}.",
            where=f"{tree.commit[:12]}:{unreadable or path_of(tree, name)}",
            got=error.got,
            help="Correct them on the base branch first: they decide how a change is checked.",
        ) from error


def _settings(tree: Tree, name: str | None) -> Config | None:
    """Return the settings; None if there is no file, or if it is of Python and has no table."""
    path = path_of(tree, name)
    if path is None:
        return None
    is_python = path.endswith(PYPROJECT)
    settings = config.parse(_bytes(tree, path), where=path, table=("tool", "kfm-ci") if is_python else ())
    return None if is_python and settings == Config() else settings


def path_of(tree: Tree, name: str | None) -> str | None:
    """Return the path of the settings file: the option's, else the default one; None: there is none."""
    names = (FILE_NAME, PYPROJECT) if name is None else (name,)
    return next((path for path in names if tree.exists(path)), None)


def _check_names(tree: Tree, name: str | None) -> None:
    """Raise UsageError for a name of a settings file with anything but a readable file, which would be ignored."""
    if not isinstance(tree, WorkTree):
        return
    for path in (FILE_NAME, PYPROJECT) if name is None else (name,):
        if tree.exists(path):
            return
        if tree.is_taken(path):
            _bytes(tree, path)


def _bytes(tree: Tree, path: str) -> bytes:
    try:
        data = tree.read(path)
        if len(data) > _MAX_BYTES:
            raise Unreadable(f"larger than {_MAX_BYTES // 1_048_576} MiB")
        return data
    except Unreadable as error:
        raise UsageError(
            code="KFM-U05",
            message=f"The configuration cannot be read: {error}.",
            where=path,
            help="Make it a regular, readable file.",
        ) from error
