"""The frozen input of the gate's stages."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from kfm_ci.analysis.change import Change
from kfm_ci.config import Config
from kfm_ci.evidence.journal import Journal
from kfm_ci.evidence.table_statistics.model import Statistics
from kfm_ci.model import Finding
from kfm_ci.postgres.engines.base import Engine


@dataclass(frozen=True, slots=True, kw_only=True)
class GateInput:
    """One run of the gate: the change, the settings, and the engine that starts a server."""

    change: Change
    config: Config
    """The settings of the check: where a base is known, it decides most of them."""
    policy: Config
    """The same settings, for what decides about findings."""
    engine: Callable[[], Engine]
    resources: ExitStack
    """Closes the server at the end of the run, whatever happens."""
    journal: Journal
    """Written before each attempt."""
    statistics: Statistics | None = None
    """Sizes of production's tables, of the base commit where one is known; None: unknown."""
    root: Path = Path()
    """The repository's directory, for dependencies that are installed next to its files."""
    commit: str = ""
    smoke_files: tuple[str, ...] = ()
    """Paths of the SQL files of the smoke tests, of the head and of the base."""
    base_smoke_files: tuple[str, ...] = ()
    """Those of the base commit, whose version runs."""
    edited_smoke_files: tuple[str, ...] = ()
    """Those of the base that the change edits, so that both versions run, or removes."""
    settings_file: str | None = None
    """Path of the settings file; None: there is none."""
    notices: tuple[Finding, ...] = ()
    """Findings on the settings themselves."""
