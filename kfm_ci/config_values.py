"""Types of values in the configuration: paths, command lines, patterns."""

from __future__ import annotations

import re
import shlex
from typing import Annotated

from pydantic import AfterValidator


def _inside(path: str) -> str:
    if path.startswith("/") or "\\" in path or ".." in path.split("/"):
        raise ValueError("must be a path inside the repository, with forward slashes")
    return path.rstrip("/") or "."


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"is not a regular expression: {error}") from error
    return text


def _line(text: str) -> str:
    try:
        shlex.split(text)
    except ValueError as error:
        raise ValueError(f"is not a command line: {error}") from error
    return text


InsidePath = Annotated[str, AfterValidator(_inside)]
CommandLine = Annotated[str, AfterValidator(_line)]
Pattern = Annotated[str, AfterValidator(_pattern)]
