"""What the platform tells us of the run: claims, never facts."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The event that started us, as far as it concerns the gate."""

    base: str | None = None
    """Commit or branch that the pull request goes to."""
    body: str | None = None
    """Text of the pull request."""
    actor: str | None = None
    event: str | None = None
    run_url: str | None = None


def read() -> Context:
    """Return the context from the environment; outside GitHub all is None."""
    env = os.environ
    if env.get("GITHUB_ACTIONS") != "true":
        return Context()
    event: dict[str, object] = {}
    path = env.get("GITHUB_EVENT_PATH")
    if path and Path(path).is_file():
        try:
            loaded = json.loads(Path(path).read_text(encoding="utf-8"))
            event = loaded if isinstance(loaded, dict) else {}
        except (OSError, ValueError):
            event = {}
    pull = event.get("pull_request")
    queue = event.get("merge_group")
    base: str | None = env.get("GITHUB_BASE_REF") or None
    body: str | None = None
    if isinstance(pull, dict):
        body = str(pull.get("body") or "")
        sha = pull.get("base", {}).get("sha") if isinstance(pull.get("base"), dict) else None
        base = str(sha) if sha else base
    elif isinstance(queue, dict) and queue.get("base_sha"):
        base = str(queue["base_sha"])
    elif env.get("GITHUB_EVENT_NAME") == "push" and str(event.get("before") or "0").strip("0"):
        base = str(event["before"])
    server, repository, run = env.get("GITHUB_SERVER_URL"), env.get("GITHUB_REPOSITORY"), env.get("GITHUB_RUN_ID")
    url = f"{server}/{repository}/actions/runs/{run}" if server and repository and run else None
    return Context(base=base, body=body, actor=env.get("GITHUB_ACTOR"), event=env.get("GITHUB_EVENT_NAME"), run_url=url)
