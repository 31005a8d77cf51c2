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
    policy: Config
    """Settings of the base commit in a pull request; their ``[policy]`` decides."""
    engine: Callable[[], Engine]
    resources: ExitStack
    """Closes the server at the end of the run, whatever happens."""
    journal: Journal
    """Written before each attempt."""
    statistics: Statistics | None = None
    """Sizes of production's tables, of the base commit in a pull request; None: unknown."""
    root: Path = Path()
    """The repository's directory, for dependencies that are installed next to its files."""
    commit: str = ""
    smoke_files: tuple[str, ...] = ()
    settings_file: str | None = None
    """Path of the settings file; None: there is none."""
    notices: tuple[Finding, ...] = ()
    """Findings on the settings themselves."""
