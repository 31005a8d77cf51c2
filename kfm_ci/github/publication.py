"""One run's publication: what is told, where, with which rights, and what became of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from kfm_ci.errors import CannotCheck, ExitCode
from kfm_ci.evidence.model import Evidence
from kfm_ci.github.action_inputs import Inputs
from kfm_ci.github.context import Context


@dataclass(kw_only=True)
class Unpublished(CannotCheck):
    """Something could not be published; the verdict stands all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What lets us speak to GitHub; none of it is in our environment any more."""

    token: str | None = field(default=None, repr=False)
    """For the API; what it may do depends on the workflow's ``permissions``."""
    runtime_token: str | None = field(default=None, repr=False)
    """For the artifact service; given to every container action."""
    results_url: str | None = None

    @classmethod
    def among(cls, variables: Mapping[str, str], inputs: Inputs) -> Credentials:
        """Return the credentials among withdrawn variables."""
        return cls(
            token=inputs.github_token or None,
            runtime_token=variables.get("ACTIONS_RUNTIME_TOKEN") or None,
            results_url=variables.get("ACTIONS_RESULTS_URL") or None,
        )


@dataclass(slots=True, kw_only=True)
class PublicationContext:
    """The workbench that publications share; each adds what later ones refer to."""

    context: Context
    inputs: Inputs
    credentials: Credentials
    evidence: Evidence
    out: Path
    """Directory with the files of the run."""
    log: TextIO
    """What the runner reads."""
    labels: bool = False
    """Whether the pull request is labelled with its risk."""
    artifact_id: str | None = None
    artifact_url: str | None = None
    comment_url: str | None = None
    notes: list[str] = field(default_factory=list)
    """What was not published, and why."""
    insisted: Unpublished | None = None
    """What was not published though the workflow insists on it."""

    @property
    def exit_code(self) -> int:
        """What the step ends with: the gate's own code, unless it passed and something insisted on was not published."""
        code = self.evidence.exit_code
        return self.insisted.code_of_exit if self.insisted and code == ExitCode.PASSED else code

    @property
    def key(self) -> str:
        """What tells this gate's comment from that of another one on the same pull request."""
        parts = (
            self.context.workflow or "",
            self.context.job or "",
            self.inputs.path,
            self.inputs.config,
            self.inputs.postgres_version,
        )
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]

    def relative(self, path: Path) -> str:
        """Return a path as later steps of the job know it: relative to the workspace."""
        workspace = self.context.workspace
        absolute = path.absolute()
        if workspace is not None and absolute.is_relative_to(workspace):
            return absolute.relative_to(workspace).as_posix()
        return path.as_posix()
