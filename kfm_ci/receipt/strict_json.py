"""Strict, deterministic JSON: ambiguous input is rejected."""

from __future__ import annotations

import json
from typing import Any, NoReturn

MAX_BYTES = 8 * 1024 * 1024
MAX_DEPTH = 32


class MalformedJson(ValueError):
    """The bytes are not unambiguous JSON."""


def encode(value: object) -> bytes:
    """Return deterministic bytes: UTF-8, sorted keys, no white space, trailing newline; floats raise MalformedJson."""
    _check(value, 0)
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    try:
        return text.encode("utf-8") + b"\n"
    except UnicodeEncodeError as error:
        raise MalformedJson("a string holds half of a surrogate pair") from error


def decode(data: bytes) -> dict[str, Any]:
    """Return an object; raises MalformedJson for duplicate keys, floats, NaN, bad UTF-8, undue size or depth."""
    if len(data) > MAX_BYTES:
        raise MalformedJson(f"larger than {MAX_BYTES} bytes")
    try:
        text = data.decode("utf-8")
        value = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_float=_reject_number,
            parse_constant=_reject_number,
        )
    except MalformedJson:
        raise
    except (ValueError, RecursionError) as error:
        raise MalformedJson(f"not JSON in UTF-8: {type(error).__name__}") from error
    if not isinstance(value, dict):
        raise MalformedJson("not a JSON object")
    _check(value, 0)
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise MalformedJson("an object has the same key twice")
    return found


def _reject_number(text: str) -> NoReturn:
    raise MalformedJson(f"a number that is not an integer: {text[:40]}")


def _check(value: object, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise MalformedJson(f"nested deeper than {MAX_DEPTH}")
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise MalformedJson("a key that is not a string")
            _check(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            _check(item, depth + 1)
    elif not (value is None or isinstance(value, str | bool | int)):
        raise MalformedJson(f"a value of type {type(value).__name__}")
