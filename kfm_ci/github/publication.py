"""The publication of one run: content, targets, permissions and results."""

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
    """An output could not be published; the verdict does not change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Tokens for GitHub, already removed from the environment."""

    token: str | None = field(default=None, repr=False)
    """For the API, limited by the workflow's ``permissions``."""
    runtime_token: str | None = field(default=None, repr=False)
    """For the artifact service; set for every container action."""
    results_url: str | None = None

    @classmethod
    def from_variables(cls, variables: Mapping[str, str], inputs: Inputs) -> Credentials:
        """Return the credentials among withdrawn variables."""
        return cls(
            token=inputs.github_token or None,
            runtime_token=variables.get("ACTIONS_RUNTIME_TOKEN") or None,
            results_url=variables.get("ACTIONS_RESULTS_URL") or None,
        )


@dataclass(slots=True, kw_only=True)
class PublicationContext:
    """The shared state of the publications; each adds the URLs that later ones refer to."""

    context: Context
    inputs: Inputs
    credentials: Credentials
    evidence: Evidence
    out: Path
    """Directory with the files of the run."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """Contents of the files that this run wrote there, by name: others are not published."""
    log: TextIO
    """Log that the runner reads."""
    labels: bool = False
    """Whether the pull request is labelled with its risk."""
    artifact_id: str | None = None
    artifact_url: str | None = None
    comment_url: str | None = None
    notes: list[str] = field(default_factory=list)
    """Reasons for outputs that were not published."""
    required_failure: Unpublished | None = None
    """Required outputs that were not published."""

    @property
    def exit_code(self) -> int:
        """Exit code of the step: the gate's own, unless it passed and a required output was not published."""
        code = self.evidence.exit_code
        return self.required_failure.code_of_exit if self.required_failure and code == ExitCode.PASSED else code

    @property
    def key(self) -> str:
        """Identifies this gate's comment among those of other gates on the same pull request."""
        parts = (
            self.context.workflow or "",
            self.context.job or "",
            self.inputs.path,
            self.inputs.config,
            self.inputs.postgres_version,
        )
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]

    def relative(self, path: Path) -> str:
        """Return a path relative to the workspace, for later steps of the job."""
        workspace = self.context.workspace
        absolute = path.absolute()
        if workspace is not None and absolute.is_relative_to(workspace):
            return absolute.relative_to(workspace).as_posix()
        return path.as_posix()
