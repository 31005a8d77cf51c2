"""findings.sarif: SARIF 2.1.0 for code scanning."""

from __future__ import annotations

import hashlib
import json
from typing import Any
from urllib.parse import quote

from kfm_ci.evidence.model import Evidence
from kfm_ci.model import Finding, Severity, Verdict
from kfm_ci.report.escape import web_address

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}


def dumps(evidence: Evidence) -> str:
    """Return the log as text."""
    return json.dumps(document(evidence), indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def document(evidence: Evidence) -> dict[str, Any]:
    """Return the log as plain values; refuted findings are left out, acknowledged ones carry their suppression."""
    shown = tuple(item for item in evidence.findings if item.verdict is not Verdict.REFUTED)
    rules = list(dict.fromkeys(item.rule for item in shown))
    first = {item.rule: item for item in reversed(shown)}
    driver: dict[str, Any] = {
        "name": "kfm-ci",
        "version": evidence.tool_version,
        "informationUri": "https://github.com/kfm-ci/kfm-ci",
        "rules": [_rule(first[name]) for name in rules],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"%SRCROOT%": {"description": {"text": "The repository's root."}}},
        "invocations": [{"executionSuccessful": evidence.result.value != "error", "exitCode": evidence.exit_code}],
        "results": [_result(evidence, item, rules.index(item.rule)) for item in shown],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(item: Finding) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "id": item.rule,
        "name": item.rule,
        "shortDescription": {"text": f"{item.hazard.value}: {item.rule}"},
        "defaultConfiguration": {"level": _LEVELS[item.severity]},
        "properties": {"tags": ["database", "migration", item.hazard.value]},
    }
    page = web_address(item.docs)
    return rule | ({"helpUri": page} if page else {})


def _result(evidence: Evidence, item: Finding, index: int) -> dict[str, Any]:
    help = f"\n{item.help}" if item.help else ""
    result: dict[str, Any] = {
        "ruleId": item.rule,
        "ruleIndex": index,
        "level": _LEVELS[item.severity],
        "message": {"text": f"{item.message}{help}"},
        "locations": [{"physicalLocation": _location(evidence, item)}],
        "partialFingerprints": {"kfmCiFinding/v1": _fingerprint(item)},
        "properties": {"hazard": item.hazard.value, "verdict": item.verdict.value, "migration": item.migration},
    }
    if item.acknowledged is not None:
        result["suppressions"] = [{"kind": "inSource", "status": "accepted", "justification": item.acknowledged.reason}]
    return result


def _location(evidence: Evidence, item: Finding) -> dict[str, Any]:
    """Return the place of a finding; code scanning requires a file, so there is always one."""
    paths = {migration.id: migration.up_path for migration in evidence.migrations}
    file = item.place.file or paths.get(item.migration or "") or evidence.directory or "."
    uri = quote(file.encode("utf-8", "surrogateescape"), safe="/-._~")
    location: dict[str, Any] = {"artifactLocation": {"uri": uri, "uriBaseId": "%SRCROOT%"}}
    if item.place.file and item.place.line:
        region = {"startLine": item.place.line}
        if item.place.column:
            region["startColumn"] = item.place.column
        if item.place.end_line and item.place.end_line >= item.place.line:
            region["endLine"] = item.place.end_line
        location["region"] = region
    return location


def _fingerprint(item: Finding) -> str:
    # without lines, so that a finding keeps its identity if lines are inserted above it
    parts = (item.rule, item.place.file or "", item.migration or "", item.message)
    return hashlib.sha256("\0".join(parts).encode("utf-8", "backslashreplace")).hexdigest()
