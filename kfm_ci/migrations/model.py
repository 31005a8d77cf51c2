"""What was written: files read exactly once, and the migrations made of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from kfm_ci.model import Acknowledgement, Digest, Finding, Hazard, Phase, Risk, Rollout, Strategy
from kfm_ci.sql.script import Script, SourceFile


class Tree(Protocol):
    """A directory tree to read from: the work tree, or a commit's objects."""

    def paths(self, directory: str) -> Iterator[str]:
        """Yield the POSIX paths of all regular files (and links) below a directory, sorted."""
        ...

    def read(self, path: str) -> bytes:
        """Return a file's raw bytes; raises Unreadable (see below) with a finding-ready reason."""
        ...

    def exists(self, path: str) -> bool:
        """Whether there is a file of that path."""
        ...


class Unreadable(Exception):
    """A file cannot be read safely: permission, link out of the repository, directory in its place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A migration that a foreign tool runs: what to start, not what to send."""

    file: SourceFile
    argv: tuple[str, ...]
    directory: str
    """Where it is started, relative to the repository's root."""
    down: tuple[str, ...] | None = None
    """What to start to take it back; None: the tool has no way."""
    preview: tuple[str, ...] | None = None
    """What to start to have its SQL printed, before anything runs."""
    part: str | None = None
    """The part of the file that is this migration, where one file holds several; None: all of it."""
    line: int = 1
    """1-based line of the file on which it begins."""
    placeholders: dict[str, str] = field(default_factory=dict)
    """What was filled into the command lines, by name."""
    down_to: tuple[str, ...] = ()
    """What to start to take it and all that came after it back, in one run."""
    history_row_keys: tuple[str, ...] = ()
    """What the tool's note of it must name; empty: any of its names will do."""
    is_reversible: bool = True
    """Whether there is a way back for the tool to run, as far as the file tells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """A foreign tool that runs migrations itself; ``{url}`` and its kind are filled in when it is started."""

    up: tuple[str, ...]
    """Runs all that is pending, as production does."""
    up_one: tuple[str, ...] = ()
    """Runs one migration: ``{id}``, ``{version}``, ``{previous}``, ``{file}``, ``{dir}``; empty: the tool knows no
    such thing, and ``up`` is run without the files of those that come later."""
    down_one: tuple[str, ...] | None = None
    down_to: tuple[str, ...] = ()
    """Takes one migration and all that came after it back in one run; ``{count}``: how many those are, filled in last."""
    down_preview: tuple[str, ...] = ()
    """Prints the SQL that takes ``{count}`` migrations back, and runs none of it."""
    status: tuple[str, ...] = ()
    """Ends with another code than 0 while something is pending; empty: the tool has no such command."""
    preview: tuple[str, ...] = ()
    """Prints the SQL of one migration, or of the next ``{count}``, without running it."""
    load_schema: tuple[str, ...] = ()
    """Makes what the base has from the schema that the tool keeps beside the migrations, of which old ones often run no
    longer; ``up`` follows it. Empty: the tool keeps none."""
    history_table: str
    """Table in which the tool notes what it ran, with its schema where that is not the default."""
    own_tables: tuple[str, ...] = ()
    """Other tables of its own; ``*`` for any rest, as in ``schema.*``."""
    history_row_keys: tuple[str, ...] = ()
    """What its note of a migration must name: ``{id}`` and its kind; empty: any of its names will do."""
    records_before_run: bool = False
    """Whether it notes a migration before it runs it."""
    how_to_enable_transaction: str | None = None
    """How a migration gets a transaction from the tool that gives it none; None: it does, or cannot."""
    tables_filled_afterwards: tuple[str, ...] = ()
    """Tables that it fills by itself after the last migration, such as a list of what can be permitted."""
    directory: str = "."
    environment: dict[str, str] = field(default_factory=dict)
    """Variables beside ``DATABASE_URL`` and libpq's."""
    pass_env: tuple[str, ...] = ()
    """Names of our own variables that it gets."""
    timeout: int = 300
    """Seconds one start may take."""
    settings_file: str | None = None
    """The tool's own settings, whose URL is replaced in the copy that it runs in."""
    generated_files: dict[str, str] = field(default_factory=dict)
    """Files that are written into the copy, by path; ``{url}`` and its kind are filled in."""
    how_to_install: str = "install the application's dependencies before the gate runs, such as `npm ci` or `pip install -r requirements.txt`"
    """What to do where the program is not there."""
    dependency_check: tuple[str, ...] = ()
    """Ends with 0 where what the program needs is there too, such as a library; empty: the program is all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The block of metadata at the top of an up file, as written (unchecked)."""

    values: dict[str, str]
    lines: dict[str, int]
    """1-based line of each key."""
    start: int
    end: int
    """1-based lines of the opening and the closing mark."""
    problems: tuple[tuple[int, str], ...] = ()
    """What is wrong with the block itself, such as a key given twice: 1-based line and sentence."""

    def choice(self, key: str, kind: type[Risk] | type[Rollout] | type[Strategy] | type[Phase]) -> str | None:
        """Return the value of a key when it is one of the enum's values, else None."""
        value = self.values.get(key)
        return value if value in {member.value for member in kind} else None


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowComment:
    """An acknowledgement in a file: silences one hazard for the statement below it."""

    hazard: Hazard
    acknowledgement: Acknowledgement
    line: int
    """1-based line of the comment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One migration, whichever tool it was written for."""

    id: str
    """What the ledger and the receipt call it; unique in a directory."""
    version: str
    """The version as written."""
    sort_key: tuple[int | str, ...]
    """Total order in the tool's own terms."""
    name: str
    up: Script | Command
    down: Script | None = None
    verify: Script | None = None
    """The tool's own script that fails unless what the migration makes is there."""
    header: Header | None = None
    extra_files: tuple[SourceFile, ...] = ()
    """Other files that decide what runs (metadata.toml …)."""
    how_to_disable_transaction: str = "in a file of its own that runs outside a transaction"
    """Where to write, in the tool's words, what cannot run in a transaction; the beginning of a sentence."""
    is_repeatable: bool = False
    """Whether the tool runs it again whenever its text changes; its id then names the text too."""
    accepted_digests: frozenset[Digest] = frozenset()
    """What its file may become by the tool's own custom once it has run everywhere, beside what it is."""
    condition: str | None = None
    """On what it depends whether the tool runs it at all, such as a context; None: it always does."""

    @property
    def up_path(self) -> str:
        """Path of the up file."""
        return self.up.file.path


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolSemantics:
    """How a migration tool runs, records and orders its migrations."""

    single_transaction: bool = False
    """Whether the tool runs all pending migrations in one transaction."""
    non_transactional: bool = False
    """Whether the tool gives no migration a transaction: each statement commits by itself."""
    history_row_repair: str | None = None
    """How to repair the history table if the tool is killed between a migration and its row; None: both are written in one
    transaction."""
    moves_applied_files: bool = False
    """Whether the tool moves the files of an applied migration when a later migration takes their names."""
    ordered_within_file: bool = False
    """Whether the order matters only among the migrations of one file."""
    how_to_disable_transaction: str | None = None
    """Value of ``Migration.how_to_disable_transaction`` for every migration; None: the format sets it itself."""
    down_description: str = "a down with statements"
    """What rolls a migration back, in the tool's words."""
    out_of_order_behaviour: str | None = None
    """What the tool does with a migration that sorts before an applied one, as the end of a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """All migrations of one directory at one commit, in order, with what was wrong on reading."""

    format: str
    directory: str
    migrations: tuple[Migration, ...] = ()
    findings: tuple[Finding, ...] = ()
    unreadable: bool = False
    """Whether something could not be read or ordered, so that no server can run it."""
    tool: Tool | None = None
    """What runs the migrations, when our own runner does not."""
    other_files: tuple[SourceFile, ...] = ()
    """Files in the directory that belong to no migration."""
    semantics: ToolSemantics = ToolSemantics()
    """How the tool runs, records and orders the migrations."""

    def get(self, migration_id: str) -> Migration | None:
        """Return the migration of that id, or None."""
        return next((item for item in self.migrations if item.id == migration_id), None)


def files_of(migration: Migration) -> Iterator[SourceFile]:
    """Yield the files of one migration: up, down, others that decide what runs."""
    yield migration.up.file
    if migration.down is not None:
        yield migration.down.file
    yield from migration.extra_files
