"""Inputs of the action from the runner's variables; empty when not set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from kfm_ci.errors import UsageError


def _choice(default: str, *allowed: str) -> Any:
    return field(default=default, metadata={"allowed": allowed or None})


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """The inputs of the action, with the names and defaults of ``action.yml``."""

    command: str = _choice("gate", "gate", "comment")
    path: str = "."
    config: str = ""
    format: str = "auto"
    base: str = ""
    engine: str = _choice("", "", "auto", "embedded", "docker", "service")
    postgres_version: str = ""
    database_url: str = field(default="", repr=False)
    fail_on: str = _choice("never", "low", "medium", "high", "never")
    comment: str = _choice("", "", "auto", "always", "never")
    check_run: str = _choice("", "", "true", "false")
    sarif: str = _choice("", "", "true", "false")
    artifact_name: str = ""
    github_token: str = field(default="", repr=False)
    out: str = "kfm-ci-out"

    @property
    def major(self) -> int | None:
        """Requested major version of PostgreSQL."""
        return int(self.postgres_version) if self.postgres_version else None

    @property
    def directory(self) -> Path:
        """Directory of the repository, relative to the workspace."""
        return Path(self.path)


def read(variables: Mapping[str, str]) -> Inputs:
    """Return the inputs among the variables, unchecked."""
    given = {item.name: variables.get(f"INPUT_{_input_name(item.name).upper()}", "").strip() for item in fields(Inputs)}
    return Inputs(**{name: value for name, value in given.items() if value})


def check(inputs: Inputs) -> None:
    """Raise UsageError for a value that is not allowed."""
    for item in fields(Inputs):
        value, allowed = getattr(inputs, item.name), item.metadata.get("allowed")
        if allowed and value not in allowed:
            raise _not_allowed(item.name, value, " | ".join(option for option in allowed if option))
    if inputs.postgres_version and not inputs.postgres_version.isdecimal():
        raise _not_allowed("postgres_version", inputs.postgres_version, "a major version, such as 17")


def _input_name(name: str) -> str:
    return name.replace("_", "-")


def _not_allowed(name: str, value: str, expected: str) -> UsageError:
    return UsageError(
        code="KFM-U41",
        message="The value is not allowed.",
        where=f"input {_input_name(name)}",
        got=value,
        expected=expected,
        help="See the inputs in action.yml.",
    )
