"""The change under check: the migrations and files of the head compared with those of the base."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from kfm_ci.analysis.changed_statement import ExecutedStatement
from kfm_ci.analysis.changed_statements import ChangeStatements
from kfm_ci.migrations.model import History, Migration, Tree
from kfm_ci.sql.script import SourceFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirements:
    """The part of the policy that rules need; always that of the base commit in a pull request."""

    require_header: bool
    """Whether every new migration needs the header (always so in format ``kfm``)."""
    require_traceability: bool
    require_manifest: bool = False
    ticket_pattern: str = r"[A-Z][A-Z0-9]+-[0-9]+"
    """Keys that count as a change request, in addition to URLs."""
    max_file_size: int = 1_048_576
    """In bytes."""
    personal_data_threshold: int = 3
    """How many distinct values of personal data a file may hold before it is a finding."""


@dataclass(frozen=True, kw_only=True)  # without slots, so that its SQL is parsed once
class Change:
    """The files of the head compared with those of the base."""

    head: History
    base: History | None
    """Migrations at the base's tip; None when there is no base (everything is new)."""
    merge_base: History | None
    """Migrations at the commit where head and base diverged; equals ``base`` for a merge commit."""
    new: tuple[Migration, ...]
    """In plan order: migrations of the head whose id is not on the base."""
    tree: Tree
    """The head's files, for runbooks, manifests and uses in code."""
    requirements: Requirements
    body: str | None = None
    """Text of the pull request, when there is one."""
    before: Tree | None = None
    """The base's files, those of the running release; None when there is no base."""
    previous: dict[str, SourceFile] = field(default_factory=dict)
    """Every file below the migrations directory at the merge base, by path."""
    tracked: tuple[str, ...] = ()
    """Paths of the files that git tracks; of all files, where there is no git."""
    executed: tuple[ExecutedStatement, ...] = ()
    """Statements that the server ran inside others and that no file shows; empty before they run."""

    @cached_property
    def statements(self) -> ChangeStatements:
        """The statements of the new migrations, parsed on first use."""
        return ChangeStatements(self.new, self.executed)

    @property
    def native_format(self) -> bool:
        """Whether the files are in format ``kfm``, which has more rules than those of other tools."""
        return self.head.format == "kfm"
