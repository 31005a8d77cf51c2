"""The context of the run from GitHub's variables and event file: claims, never facts."""

from __future__ import annotations

import ctypes
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SECRET = re.compile(r"^(INPUT_|ACTIONS_)|^(GITHUB_TOKEN|GH_TOKEN)$")
_PR_SET_DUMPABLE = 4
FIRST_CONTAINER = "first_container"
"""Name of the state variable with the name of the action's first container."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The event that started the run."""

    base: str | None = None
    """Target commit or branch of the pull request."""
    body: str | None = None
    """Text of the pull request."""
    actor: str | None = None
    event: str | None = None
    run_url: str | None = None
    triggering_run_url: str | None = None
    """Page of the run of event ``workflow_run``."""
    repository: str | None = None
    """``owner/name``."""
    pull: int | None = None
    """Number of the pull request; None for other events."""
    fork: bool = False
    """Whether the pull request comes from a fork, whose token is read-only."""
    head_sha: str | None = None
    """Tip of the pull request's branch, else the commit of the event; for check runs."""
    sha: str | None = None
    ref: str | None = None
    workflow: str | None = None
    """Name of the workflow; for event ``workflow_run`` of the one that ran before."""
    job: str | None = None
    run_id: str | None = None
    attempt: str | None = None
    server_url: str = "https://github.com"
    api_url: str = "https://api.github.com"
    composite: bool = False
    """Whether a composite action runs kfm-ci: such a step gets no token for artifacts."""
    workspace: Path | None = None
    output_file: Path | None = None
    """File for outputs of the step."""
    summary_file: Path | None = None
    """File for the job summary."""
    event_problem: str | None = None
    """Why the event file is not usable; None when it is."""
    state_file: Path | None = None
    """File for state of the action's second container."""


def read() -> Context:
    """Return the context from the environment; outside GitHub all is None."""
    env = os.environ
    if env.get("GITHUB_ACTIONS") != "true":
        return Context()
    event, event_problem = _event(env.get("GITHUB_EVENT_PATH"), env.get("GITHUB_EVENT_NAME") or "")
    pull, merge_group = _table(event, "pull_request"), _table(event, "merge_group")
    triggering_run = _table(event, "workflow_run")
    base: str | None = env.get("GITHUB_BASE_REF") or None
    body: str | None = None
    head_sha = env.get("GITHUB_SHA")
    if pull:
        body = str(pull.get("body") or "")
        base = _text(_table(pull, "base"), "sha") or base
        head_sha = _text(_table(pull, "head"), "sha") or head_sha
    elif merge_group:
        base = _text(merge_group, "base_sha") or base
    elif triggering_run:
        head_sha = _text(triggering_run, "head_sha")
    else:
        base = _branch_base(event, env.get("GITHUB_REF")) or base
    server, repository, run = env.get("GITHUB_SERVER_URL"), env.get("GITHUB_REPOSITORY"), env.get("GITHUB_RUN_ID")
    number = pull.get("number")
    return Context(
        base=base,
        body=body,
        actor=env.get("GITHUB_ACTOR"),
        event=env.get("GITHUB_EVENT_NAME"),
        event_problem=event_problem,
        triggering_run_url=_text(triggering_run, "html_url"),
        run_url=f"{server}/{repository}/actions/runs/{run}" if server and repository and run else None,
        repository=repository,
        pull=number if isinstance(number, int) else None,
        fork=_fork(pull),
        head_sha=head_sha,
        sha=env.get("GITHUB_SHA"),
        ref=env.get("GITHUB_REF"),
        workflow=_text(triggering_run, "name") or env.get("GITHUB_WORKFLOW"),
        job=env.get("GITHUB_JOB"),
        run_id=run,
        attempt=env.get("GITHUB_RUN_ATTEMPT"),
        server_url=server or "https://github.com",
        api_url=env.get("GITHUB_API_URL") or "https://api.github.com",
        composite=bool(env.get("GITHUB_ACTION_PATH")),
        workspace=_path(env.get("GITHUB_WORKSPACE")),
        output_file=_path(env.get("GITHUB_OUTPUT")),
        summary_file=_path(env.get("GITHUB_STEP_SUMMARY")),
        state_file=_path(env.get("GITHUB_STATE")),
    )


def first_container() -> str | None:
    """Return the name of the action's first container from its state."""
    return os.environ.get(f"STATE_{FIRST_CONTAINER}") or None


def withdraw_secrets() -> dict[str, str]:
    """Remove inputs and tokens from the environment and return them.

    Programs started later do not inherit them, and cannot read them from memory or ``/proc``: programs of a
    pull request may run as the same user.
    """
    taken = {name: os.environ.pop(name) for name in tuple(os.environ) if _SECRET.match(name)}
    if os.uname().sysname == "Linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    return taken


def _event(path: str | None, name: str) -> tuple[dict[str, Any], str | None]:
    """Return the event, and why it is not usable."""
    try:
        loaded = json.loads(Path(path).read_text(encoding="utf-8")) if path else {}
    except OSError as error:
        return {}, f"The event file {path} cannot be read: {error.strerror}."
    except ValueError:
        return {}, f"The event file {path} is not JSON."
    event = loaded if isinstance(loaded, dict) else {}
    number = _table(event, "pull_request").get("number")
    is_incomplete = path and name.startswith("pull_request") and not isinstance(number, int)
    return event, f"The event file {path} has no pull request." if is_incomplete else None


def _table(event: dict[str, Any], key: str) -> dict[str, Any]:
    value = event.get(key)
    return value if isinstance(value, dict) else {}


def _text(table: dict[str, Any], key: str) -> str | None:
    value = table.get(key)
    return value if isinstance(value, str) and value else None


def _branch_base(event: dict[str, Any], ref: str | None) -> str | None:
    """Return the base of a branch: the default branch, or its previous commit for a push to the default branch."""
    default = _text(_table(event, "repository"), "default_branch")
    if default and ref and ref.startswith("refs/heads/") and ref != f"refs/heads/{default}":
        return default
    before = _text(event, "before")
    return before if before and before.strip("0") else None


def _fork(pull: dict[str, Any]) -> bool:
    head, base = (_text(_table(_table(pull, side), "repo"), "full_name") for side in ("head", "base"))
    # a deleted fork has no repository
    return bool(pull) and base is not None and head != base


def _path(value: str | None) -> Path | None:
    return Path(value) if value else None
