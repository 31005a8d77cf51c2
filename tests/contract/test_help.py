"""Help texts and the README against the contract."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from kfm_ci.cli import app

ROOT = Path(__file__).parents[2]
COMMON = {"--config", "--format", "--out", "--output", "-v", "-q"}
PROMISED = {
    "gate": COMMON | {"--base", "--engine", "--postgres-version", "--database-url", "--fail-on"},
    "check": COMMON,
    "new": {"--number"},
    "manifest": {"--check"},
    "rules": set(),
    "doctor": set(),
}


@pytest.mark.parametrize("command", sorted(PROMISED))
def test_a_command_has_the_options_it_promises(command: str) -> None:
    known = {name for parameter in get_command(app).commands[command].params for name in parameter.opts}  # type: ignore[attr-defined]
    assert PROMISED[command] <= known


def helps(command: object, path: str = "kfm-ci") -> Iterator[tuple[str, str]]:
    """Yield the place and text of every help of a command, its parameters and its commands."""
    yield path, command.help or ""  # type: ignore[attr-defined]
    for parameter in command.params:  # type: ignore[attr-defined]
        if parameter.name != "help":
            yield f"{path} {parameter.name}", getattr(parameter, "help", None) or ""
    for name, inner in getattr(command, "commands", {}).items():
        yield from helps(inner, f"{path} {name}")


@pytest.mark.parametrize(("place", "text"), list(helps(get_command(app))))
def test_every_command_and_option_has_a_help_that_is_a_sentence(place: str, text: str) -> None:
    assert text.rstrip().endswith(".") and (text[0].isupper() or text[0] == "`"), f"{place}: {text!r}"
    assert "?" not in text


def test_help_shows_text_in_square_brackets() -> None:
    shown = CliRunner().invoke(app, ["stats", "--help"]).output
    assert "[environments.NAME]" in shown
    assert "[database] statistics" in " ".join(shown.split())


@pytest.mark.parametrize("command", ["show", "schema"])
def test_receipts_can_be_looked_at(command: str) -> None:
    assert CliRunner().invoke(app, ["receipt", command, "--help"]).exit_code == 0


def test_the_readme_names_only_commands_that_are_there() -> None:
    named = set(re.findall(r"\.venv/bin/kfm-ci (\w+)", (ROOT / "README.md").read_text("utf-8")))
    assert named
    assert named <= set(get_command(app).commands)  # type: ignore[attr-defined]


def test_the_readme_stays_under_250_lines() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) < 250
