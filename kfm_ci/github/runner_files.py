"""The runner's files for a step: outputs, state and job summary.

A file that cannot be written raises CannotCheck, which does not change the verdict.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path

from kfm_ci.errors import CannotCheck

SUMMARY_LIMIT = 1_000_000
"""In bytes; the runner rejects a summary above 1 MiB."""


def write_outputs(file: Path, values: Mapping[str, str]) -> None:
    """Append outputs; a random delimiter prevents a value from setting another output."""
    lines = []
    for name, value in values.items():
        delimiter = f"kfm_{secrets.token_hex(16)}"
        lines.append(f"{name}<<{delimiter}\n{value}\n{delimiter}\n")
    _append(file, "".join(lines))


def write_state(file: Path, name: str, value: str) -> None:
    """Write one line for the action's second container; ``value`` has no line ends."""
    _append(file, f"{name}={value}\n")


def write_summary(file: Path, text: str) -> None:
    """Append to the job summary; a text that is too long is replaced by a note."""
    encoded = text.encode("utf-8")
    if len(encoded) > SUMMARY_LIMIT:
        text = "The summary is too long for GitHub: see the report in the artifact.\n"
    _append(file, text)


def _append(file: Path, text: str) -> None:
    try:
        with file.open("a", encoding="utf-8") as stream:
            stream.write(text)
    except OSError as error:
        raise CannotCheck(
            code="KFM-G14",
            message=f"The runner's file cannot be written: {error.strerror}.",
            where=str(file),
            help="Run the container as the user for whom the runner created the file.",
        ) from error
