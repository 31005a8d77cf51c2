"""TOML of a repository: the parser's only error is a syntax error, and its cost is bounded."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any

InvalidToml = tomllib.TOMLDecodeError
"""The text is not valid TOML, or nested too deeply."""

_PART = r"""(?:[A-Za-z0-9_-]++|"(?:[^"\\\n]|\\.){0,200}+"|'[^'\n]{0,200}+')"""
_LONG_KEY = re.compile(rf"(?<![A-Za-z0-9_-])(?:{_PART}[ \t]*+\.[ \t]*+){{100}}")
"""A key of more than 100 parts: the parser's time grows with their square."""

_BITS = 63
_LARGE = "A number does not fit into 64 bits"


def loads(text: str) -> dict[str, Any]:
    """Return the document; raises InvalidToml."""
    if _LONG_KEY.search(text):
        raise InvalidToml("A key has more than 100 parts")
    try:
        document = tomllib.loads(text)
    except RecursionError:
        raise InvalidToml("The values are nested too deeply") from None
    except InvalidToml:
        raise
    except ValueError:  # Python reads no decimal number with thousands of digits
        raise InvalidToml(_LARGE) from None
    if any(isinstance(value, int) and value.bit_length() > _BITS for value in _values(document)):
        raise InvalidToml(_LARGE)
    return document


def _values(document: dict[str, Any]) -> Iterator[object]:
    waiting: list[Any] = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
        else:
            yield value
