"""Migrations, their files and the tool that runs them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from kfm_ci.model import Acknowledgement, Digest, Finding, Hazard, Phase, Risk, Rollout, Strategy
from kfm_ci.sql.script import Script, SourceFile


class Tree(Protocol):
    """A tree of files: the work tree or a commit."""

    def paths(self, directory: str) -> Iterator[str]:
        """Yield the POSIX paths of all regular files (and links) below a directory, sorted."""
        ...

    def read(self, path: str) -> bytes:
        """Return a file's raw bytes; raises Unreadable with the reason."""
        ...

    def exists(self, path: str) -> bool:
        """Whether there is a file of that path."""
        ...


class Unreadable(Exception):
    """A file cannot be read safely: permission, link out of the repository, directory in its place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A migration that an external migration tool runs by a command."""

    file: SourceFile
    argv: tuple[str, ...]
    directory: str
    """Working directory, relative to the repository's root."""
    down: tuple[str, ...] | None = None
    """Command that rolls it back; None if the tool has none."""
    preview: tuple[str, ...] | None = None
    """Command that prints its SQL without running it."""
    part: str | None = None
    """Text of this migration in a file with several; None: the whole file."""
    line: int = 1
    """1-based line of the file on which it starts."""
    placeholders: dict[str, str] = field(default_factory=dict)
    """Values of the placeholders of the command lines."""
    down_to: tuple[str, ...] = ()
    """Command that rolls back this and all later migrations in one run."""
    history_row_keys: tuple[str, ...] = ()
    """Values that identify its row in the history table; empty: any of its names."""
    is_reversible: bool = True
    """Whether its file has a down migration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCommands:
    """The command lines of a tool; placeholders such as ``{url}`` are filled in when it is started."""

    up: tuple[str, ...]
    """Runs all pending migrations, as in production."""
    up_one: tuple[str, ...] = ()
    """Runs one migration: ``{id}``, ``{version}``, ``{previous}``, ``{file}``, ``{dir}``; empty if the
    tool has no single steps: ``up`` is run with the files of later migrations hidden."""
    down_one: tuple[str, ...] | None = None
    down_to: tuple[str, ...] = ()
    """Rolls back one migration and all later ones in one run; ``{count}`` is their number, filled in last."""
    down_preview: tuple[str, ...] = ()
    """Prints the SQL that rolls back ``{count}`` migrations without running it."""
    status: tuple[str, ...] = ()
    """Exits non-zero if a migration is pending; empty if the tool has no such command."""
    preview: tuple[str, ...] = ()
    """Prints the SQL of one migration, or of the next ``{count}``, without running it."""
    load_schema: tuple[str, ...] = ()
    """Loads the tool's schema file as the base schema before ``up``, because old migrations often no longer run; empty
    if the tool has no schema file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolTableNames:
    """The names of a tool's own tables, and the values that identify a migration in its history table."""

    history: str
    """The tool's history table, with its schema unless that is the default schema."""
    own: tuple[str, ...] = ()
    """Other tables of the tool; ``*`` matches any rest, as in ``schema.*``."""
    filled_afterwards: tuple[str, ...] = ()
    """Tables that the tool fills after the last migration, such as a list of permissions."""
    row_keys: tuple[str, ...] = ()
    """Values that identify a migration's row in the history table, such as ``{id}``; empty: any of its names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolEnvironment:
    """The working directory, variables, settings and time limit with which a tool is started."""

    directory: str = "."
    variables: dict[str, str] = field(default_factory=dict)
    """Environment variables in addition to ``DATABASE_URL`` and those of libpq."""
    pass_env: tuple[str, ...] = ()
    """Names of environment variables of kfm-ci to pass on."""
    timeout: int = 300
    """Time limit for one start, in seconds."""
    settings_file: str | None = None
    """The tool's settings file; its URL is replaced in the tool workspace."""
    generated_files: dict[str, str] = field(default_factory=dict)
    """Files to write into the tool workspace, by path; placeholders such as ``{url}`` are filled in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolInstallation:
    """How to install a tool, and how to check that it is complete."""

    help: str = (
        "install the application's dependencies before the gate runs, such as `npm ci` or "
        "`pip install -r requirements.txt`"
    )
    """How to install the program."""
    check: tuple[str, ...] = ()
    """Exits 0 if the dependencies of the program are installed; empty if it has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """An external migration tool: how kfm-ci starts it, and where it records its migrations."""

    commands: ToolCommands
    tables: ToolTableNames
    environment: ToolEnvironment = ToolEnvironment()
    installation: ToolInstallation = ToolInstallation()


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The unchecked metadata at the top of an up file."""

    values: dict[str, str]
    lines: dict[str, int]
    """1-based line of each key."""
    start: int
    end: int
    """1-based lines of the opening and the closing mark."""
    problems: tuple[tuple[int, str], ...] = ()
    """Problems of the syntax, such as a repeated key: 1-based line and message."""

    def choice(self, key: str, kind: type[Risk] | type[Rollout] | type[Strategy] | type[Phase]) -> str | None:
        """Return the value of a key if it is one of the enum's values, or None."""
        value = self.values.get(key)
        return value if value in {member.value for member in kind} else None


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowComment:
    """An acknowledgement in a file, which suppresses one hazard of the statement below it."""

    hazard: Hazard
    acknowledgement: Acknowledgement
    line: int
    """1-based line of the comment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One migration of any tool."""

    id: str
    """Id in the ledger and the receipt, unique in a directory."""
    version: str
    """The version as written."""
    sort_key: tuple[int | str, ...]
    """Total order of the tool."""
    name: str
    up: Script | Command
    down: Script | None = None
    verify: Script | None = None
    """The tool's verify script, which fails unless the migration's objects exist."""
    header: Header | None = None
    extra_files: tuple[SourceFile, ...] = ()
    """Other files that affect the migration, such as ``metadata.toml``."""
    how_to_disable_transaction: str = "in a file of its own that runs outside a transaction"
    """Where to write a statement that cannot run in a transaction block, in the tool's words."""
    is_repeatable: bool = False
    """Whether the tool runs it again if its text changes; its id then includes the text."""
    accepted_digests: frozenset[Digest] = frozenset()
    """Digests that the tool also accepts for its file after it ran everywhere."""
    condition: str | None = None
    """Condition for the tool to run it, such as a context; None: it always runs."""

    @property
    def up_path(self) -> str:
        """Path of the up file."""
        return self.up.file.path


@dataclass(frozen=True, slots=True, kw_only=True)
class RowDeletion:
    """How to delete a migration's row from the history table."""

    sql: str
    """With the placeholders ``{text}`` and ``{number}``, both the version, ``{id}``, and ``{previous}``, the version
    before it as a number."""
    sql_of_first: str | None = None
    """For the first migration; None: ``sql``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSemantics:
    """How a migration tool runs, records and orders its migrations."""

    single_transaction: bool = False
    """Whether the tool runs all pending migrations in one transaction."""
    non_transactional: bool = False
    """Whether the tool gives no migration a transaction: each statement commits by itself."""
    history_row_repair: str | None = None
    """How to repair the history table if the tool is killed between a migration and its row; None: both are written in
    one transaction."""
    records_before_run: bool = False
    """Whether the tool inserts the history row before it runs the migration."""
    row_deletion: RowDeletion | None = None
    """How to make a migration pending for the tool; None: not known."""
    moves_applied_files: bool = False
    """Whether the tool moves the files of an applied migration when a later migration takes their names."""
    ordered_within_file: bool = False
    """Whether the order matters only among the migrations of one file."""
    how_to_disable_transaction: str | None = None
    """Value of ``Migration.how_to_disable_transaction`` for every migration; None: the format sets it itself."""
    how_to_enable_transaction: str | None = None
    """How to enable the transaction of a migration; None if the tool opens one or cannot."""
    down_description: str = "a down with statements"
    """What rolls a migration back, in the tool's words."""
    out_of_order_behaviour: str | None = None
    """What the tool does with a migration that sorts before an applied one, as the end of a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """All migrations of one directory at one commit, in order, with the findings on their files."""

    format: str
    directory: str
    migrations: tuple[Migration, ...] = ()
    findings: tuple[Finding, ...] = ()
    unreadable: bool = False
    """Whether a file cannot be read or ordered, so that the migrations cannot run."""
    tool: Tool | None = None
    """External migration tool that runs the migrations; None: kfm-ci runs them."""
    other_files: tuple[SourceFile, ...] = ()
    """Files in the directory that belong to no migration."""
    binary_files: tuple[SourceFile, ...] = ()
    """Files among the migrations that the tool does not read, and that are programs or no text."""
    semantics: ToolSemantics = ToolSemantics()
    """How the tool runs, records and orders the migrations."""

    def get(self, migration_id: str) -> Migration | None:
        """Return the migration of that id, or None."""
        return next((item for item in self.migrations if item.id == migration_id), None)


def files_of(migration: Migration) -> Iterator[SourceFile]:
    """Yield the files of one migration: up, down and extra files."""
    yield migration.up.file
    if migration.down is not None:
        yield migration.down.file
    yield from migration.extra_files
