"""gate.json back to evidence: the file is untrusted, so every value is parsed and no link is kept."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from kfm_ci.errors import UsageError
from kfm_ci.evidence.model import Evidence
from kfm_ci.report.gate_json import SCHEMA_NAME

LIMIT = 32 * 1024 * 1024
"""Maximum size in bytes."""
_PAGES = re.compile(
    r"https://(?:github\.com/kfm-ci/kfm-ci/blob/main/docs/rules|squawkhq\.com/docs)/[a-z0-9-]+(?:\.md)?"
)


def loads(data: bytes, *, where: str) -> Evidence:
    """Return the evidence in a gate.json; raises UsageError when it is not valid.

    Values that gate.json does not contain (connection strings, texts of statements) are empty.
    """
    try:
        if len(data) > LIMIT:
            raise ValueError(f"The file is longer than {LIMIT} bytes.")
        given = json.loads(data)
        if given["schema"] != SCHEMA_NAME:
            raise ValueError("another schema")
        return TypeAdapter(Evidence).validate_python(_evidence(given))
    except (ValidationError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError(
            code="KFM-U69",
            message=f"The file is not a valid gate.json: {type(error).__name__}.",
            where=where,
            expected=SCHEMA_NAME,
            help="Name a file that `kfm-ci gate` wrote.",
        ) from error


def _evidence(given: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **{name: given[name] for name in ("result", "exit_code", "source", "format", "engine", "stages")},
        **{name: given.get(name) for name in ("directory", "failure")},
        **{
            name: given[name]
            for name in ("started_on", "finished_on", "suppressed", "checklist", "tables")
            if name in given
        },
        "tool_version": given["tool"]["version"],
        "risk": given["risk"]["level"],
        "risk_reasons": given["risk"]["reasons"],
        "migrations": [_migration(item) for item in given["migrations"]],
        "findings": [_finding(item) for item in given["findings"]],
        "smoke": [{**item, "passed": item["status"] == "passed"} for item in given["smoke"]],
        "plan_sha256": _digest(given["checksums"]["plan"]),
        "files": [(path, _digest(digest)) for path, digest in given["checksums"]["files"].items()],
        "linter": _linter(given.get("linter")),
        "seeding": _seeding(given.get("seeding")),
    }


def _migration(item: Mapping[str, Any]) -> dict[str, Any]:
    rollback = item["rollback"]
    return {
        **item,
        "up_path": item["files"]["up"],
        "down_path": item["files"]["down"],
        "up_sha256": _digest(item["sha256"]["up"]),
        "down_sha256": _digest(item["sha256"].get("down")),
        "schema_diff": _diff(item["schema_diff"]),
        "statements": [_statement(entry) for entry in item.get("statements", ())],
        "rollback": {
            **rollback,
            "statements": [_statement(entry) for entry in rollback.get("statements", ())],
            "difference": _diff(rollback.get("difference") or {}),
        },
    }


def _statement(given: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **given,
        "locks": {"taken": given.get("locks", ()), "held": given.get("held", ())},
        "effects": given,
        "timeouts": {"lock_ms": given.get("lock_timeout_ms"), "statement_ms": given.get("statement_timeout_ms")},
        "inner": [_statement(part) for part in given.get("inner", ())],
    }


def _finding(item: Mapping[str, Any]) -> dict[str, Any]:
    docs = item["docs"]
    return {
        **item,
        "place": {name: item[name] for name in ("file", "line", "column", "end_line")},
        "docs": docs if isinstance(docs, str) and _PAGES.fullmatch(docs) else None,
    }


def _diff(given: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "added": given.get("added", ()),
        "removed": given.get("removed", ()),
        "changed": [_change(text) for text in given.get("changed", ())],
    }


def _change(text: str) -> dict[str, str]:
    name, _, values = text.partition(": ")
    before, _, after = values.partition(" → ")
    return {"name": name, "before": before, "after": after}


def _digest(hexadecimal: str | None) -> dict[str, str] | None:
    return None if hexadecimal is None else {"hex": hexadecimal}


def _linter(given: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if given is None else {**given, "sha256": _digest(given["sha256"])}


def _seeding(given: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if given is None:
        return None

    def pairs(items: Iterable[Mapping[str, Any]], value: str) -> list[tuple[Any, Any]]:
        return [(item["name"], item[value]) for item in items]

    return {
        "seed": given["seed"],
        "tables": pairs(given["tables"], "rows"),
        "unseeded": pairs(given["unseeded"], "reason"),
    }
