"""What a format is: a tool's way of laying out, naming and ordering migrations."""

from __future__ import annotations

from typing import Protocol

from kfm_ci.config import MigrationsTable
from kfm_ci.migrations.model import History, Tree


class Format(Protocol):
    """One migration tool's files. Nothing after this package knows which tool it was."""

    name: str
    """The tool's name in lower case, as in ``--format``."""
    confidence: int
    """Among formats that recognise one directory the highest wins; equal ones are ambiguous."""

    def recognises(self, tree: Tree, directory: str, names: tuple[str, ...]) -> bool:
        """Whether the directory holds this format; ``names`` are its paths relative to it."""
        ...

    def load(self, tree: Tree, directory: str, settings: MigrationsTable) -> History:
        """Read every file once and return the migrations in order, with what was wrong on reading."""
        ...
