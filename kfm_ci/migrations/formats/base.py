"""The interface of a format: how one tool lays out, names and orders migrations."""

from __future__ import annotations

from typing import Protocol

from kfm_ci.config import MigrationsTable
from kfm_ci.migrations.model import History, Tree


class Format(Protocol):
    """The files of one migration tool; no later package knows which tool it was."""

    name: str
    """The tool's name in lower case, as in ``--format``."""
    confidence: int
    """If several formats recognise one directory, the highest wins; equal values are ambiguous."""

    def recognises(self, tree: Tree, directory: str, names: tuple[str, ...]) -> bool:
        """Whether the directory holds this format; ``names`` are its paths relative to it."""
        ...

    def load(self, tree: Tree, directory: str, settings: MigrationsTable) -> History:
        """Read each file once and return the migrations in order, with findings on reading."""
        ...
