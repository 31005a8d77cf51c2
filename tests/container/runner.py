"""The runner's part, as its own source does it: flags, mounts, environment and network of a container action."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

FILE_COMMANDS = {
    "GITHUB_OUTPUT": "output",
    "GITHUB_STEP_SUMMARY": "summary",
    "GITHUB_ENV": "env",
    "GITHUB_PATH": "path",
    "GITHUB_STATE": "state",
}


@dataclass
class Ended:
    """What a step leaves behind."""

    code: int
    log: str
    outputs: dict[str, str]
    summary: str


@dataclass
class Runner:
    """A machine with one checked-out repository."""

    home: Path
    image: str
    socket: Path
    event: dict = field(default_factory=dict)
    event_name: str = "pull_request"
    network: str | None = None
    user: str | None = None
    mode: str = ""
    """What the mount of the workspace ends with."""

    def __post_init__(self) -> None:
        for name in ("workspace", "home", "workflow", "file_commands", "runner_temp"):
            (self.home / name).mkdir(parents=True, exist_ok=True)

    @property
    def workspace(self) -> Path:
        return self.home / "workspace"

    @property
    def host(self) -> dict[str, str]:
        """What the runner's own machine adds for its client."""
        return {key: os.environ[key] for key in ("PATH", "DOCKER_HOST") if key in os.environ}

    def command(self, environment: dict[str, str], entrypoint: str | None = None) -> list[str]:
        mounts = [f"{self.socket}:/var/run/docker.sock"]
        mounts += [
            f"{self.home / name}:/github/{name}" for name in ("home", "workflow", "file_commands", "runner_temp")
        ]
        mounts.append(f"{self.workspace}:/github/workspace{self.mode}")
        return [
            "docker",
            "run",
            "--name",
            f"kfmci_{secrets.token_hex(3)}",
            "--label",
            "a1b2c3",
            "--workdir",
            "/github/workspace",
            "--rm",
            *(part for key in environment for part in ("-e", key)),
            "-e",
            "GITHUB_ACTIONS=true",
            "-e",
            "CI=true",
            *(["--entrypoint", entrypoint] if entrypoint else []),
            *(["--user", self.user] if self.user else []),
            *(["--network", self.network] if self.network else []),
            *(part for mount in mounts for part in ("-v", mount)),
            self.image,
        ]

    def environment(self, inputs: dict[str, str], extra: dict[str, str]) -> dict[str, str]:
        (self.home / "workflow" / "event.json").write_text(json.dumps(self.event))
        for name in FILE_COMMANDS.values():
            (self.home / "file_commands" / name).write_text("")
        return {
            **{f"INPUT_{name.replace(' ', '_').upper()}": value for name, value in inputs.items()},
            **{key: f"/github/file_commands/{name}" for key, name in FILE_COMMANDS.items()},
            "GITHUB_EVENT_NAME": self.event_name,
            "GITHUB_EVENT_PATH": "/github/workflow/event.json",
            "GITHUB_WORKSPACE": "/github/workspace",
            "GITHUB_REPOSITORY": "acme/shop",
            "GITHUB_JOB": "gate",
            "GITHUB_WORKFLOW": "migrations",
            "GITHUB_RUN_ID": "4711",
            "GITHUB_RUN_ATTEMPT": "1",
            "GITHUB_ACTOR": "ada",
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_API_URL": "https://api.github.com",
            "GITHUB_SHA": "0" * 40,
            "GITHUB_REF": "refs/pull/7/merge",
            "RUNNER_OS": "Linux",
            "HOME": "/github/home",
            **extra,
        }

    def step(self, inputs: dict[str, str] | None = None, extra: dict[str, str] | None = None) -> Ended:
        environment = self.environment(inputs or {}, extra or {})
        done = subprocess.run(
            self.command(environment),
            env={**environment, **self.host},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        folder = self.home / "file_commands"
        return Ended(
            code=done.returncode,
            log=done.stdout,
            summary=(folder / "summary").read_text(),
            outputs=outputs((folder / "output").read_text()),
        )


def outputs(text: str) -> dict[str, str]:
    """Read an output file as the runner does: ``name<<delimiter`` until a line that equals the delimiter."""
    values, lines = {}, iter(text.splitlines())
    for line in lines:
        name, _, delimiter = line.partition("<<")
        body = []
        for inner in lines:
            if inner == delimiter:
                break
            body.append(inner)
        values[name] = "\n".join(body)
    return values
