"""A receipt as readable text, one line per fact. Unknown or missing fields are shown as ``?``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kfm_ci.model import Digest


def render(statement: dict[str, Any], digest: Digest) -> str:
    """Return a parsed receipt as text, without any claim about its authenticity."""
    return "\n".join(_lines(statement, digest)) + "\n"


def _text(value: object, limit: int = 200) -> str:
    """Return a value on one line, without control characters."""
    if value is None:
        return "-"
    flat = "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in str(value))
    return flat[:limit]


def _at(value: object, *path: str) -> Any:
    """Return the value at a path of keys, or ``?``; a receipt may have another version."""
    for key in path:
        if not isinstance(value, dict) or key not in value:
            return "?"
        value = value[key]
    return value


def _rows(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _lines(statement: dict[str, Any], digest: Digest) -> Iterator[str]:
    body = statement["predicate"]
    yield f"receipt   sha256 {digest}"
    yield f"result    {_text(body['result'])}"
    if isinstance(body.get("failure"), dict):
        failure = body["failure"]
        named = " ".join(f"{key}={_text(value)}" for key, value in sorted(failure.items()) if value is not None)
        yield f"failure   {named}"
    target = _text(_at(body, "what", "target", "environment"))
    yield f"target    {target} ({_text(_at(body, 'stage', 'kind'))})"
    yield f"when      {_text(_at(body, 'when', 'started_on'))} to {_text(_at(body, 'when', 'finished_on'))}"
    yield f"source    {_text(_at(body, 'inputs', 'source', 'git_sha'))}"
    engine = body.get("engine")
    server = f"PostgreSQL {_text(_at(engine, 'server_version'))} ({_text(_at(engine, 'kind'))})" if engine else "none"
    yield f"engine    {server}"
    if isinstance(_at(body, "inputs", "linter"), dict):
        linter = [_text(_at(body, "inputs", "linter", key)) for key in ("name", "version")]
        yield f"linter    {' '.join(linter)} sha256 {_text(_at(body, 'inputs', 'linter', 'digest', 'sha256'))}"
    yield f"plan      sha256 {_text(_at(body, 'what', 'plan', 'digest', 'sha256'))}"
    yield f"risk      {_text(_at(body, 'risk', 'level'))}"
    for word in ("who", "why"):
        yield from (f"{word:<9} {name}: {value}" for name, value in _leaves(body.get(word)))
    yield ""
    for item in _rows(body.get("migrations")):
        yield (
            f"migration {_text(_at(item, 'migration_id'))}  {_text(_at(item, 'result'))}"
            f"  {_text(_at(item, 'outcome'))}  sha256 {_text(_at(item, 'checksums', 'up'))}"
        )
    for item in _rows(body.get("rollback")):
        name, strategy = _text(_at(item, "migration_id")), _text(_at(item, "strategy"))
        yield f"rollback  {name}  {strategy}  {_text(_at(item, 'proof'))}"
    for item in _rows(body.get("steps")):
        yield f"step      {_text(_at(item, 'id'))}  {_text(_at(item, 'outcome'))}"
    for item in _rows(_at(body, "outputs", "byproducts")):
        yield f"byproduct {_text(_at(item, 'name'))}  sha256 {_text(_at(item, 'digest', 'sha256'))}"


def _leaves(value: object, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield every claim as a dotted name and its text."""
    if isinstance(value, dict):
        for key, item in sorted(value.items()):
            yield from _leaves(item, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _leaves(item, f"{prefix}[{number}]")
    else:
        yield _text(prefix), _text(value)
