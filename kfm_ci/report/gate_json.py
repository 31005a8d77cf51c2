"""gate.json: all evidence of a run for machines; ``gate.schema.json`` in this directory defines its shape."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

from kfm_ci.assess import checklist
from kfm_ci.evidence.model import Evidence, MigrationEvidence, SchemaDiff
from kfm_ci.evidence.statement_evidence import Lock, StatementEvidence
from kfm_ci.evidence.tables import Table
from kfm_ci.model import Finding, LinterIdentity

SCHEMA_NAME = "kfm-ci/gate/v1"


def schema() -> dict[str, Any]:
    """Return the JSON Schema of gate.json."""
    text = resources.files("kfm_ci.report").joinpath("gate.schema.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def dumps(evidence: Evidence) -> str:
    """Return gate.json as text: two spaces of indentation, trailing newline."""
    return json.dumps(document(evidence), indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def document(evidence: Evidence) -> dict[str, Any]:
    """Return gate.json as plain values."""
    engine = evidence.engine
    return {
        "schema": SCHEMA_NAME,
        "result": evidence.result.value,
        "exit_code": evidence.exit_code,
        "tool": {"name": "kfm-ci", "version": evidence.tool_version},
        "source": {
            "git_sha": evidence.source.git_sha,
            "base_sha": evidence.source.base_sha,
            "tree_clean": evidence.source.tree_clean,
        },
        "format": evidence.format,
        "directory": evidence.directory,
        "engine": {"kind": engine.kind, "server_version": engine.server_version, "detail": engine.detail}
        if engine
        else None,
        "linter": _linter(evidence.linter),
        "started_on": evidence.started_on,
        "finished_on": evidence.finished_on,
        "failure": evidence.failure,
        "stages": [
            {
                "name": stage.name,
                "status": stage.status.value,
                "duration_ms": _milliseconds(stage.duration_ms),
                "message": stage.message,
            }
            for stage in evidence.stages
        ],
        "risk": {"level": evidence.risk.value, "reasons": list(evidence.risk_reasons)},
        "migrations": [_migration(item) for item in evidence.migrations],
        "findings": [finding(item) for item in evidence.findings],
        "smoke": [
            {"name": test.name, "status": "passed" if test.passed else "failed", "message": test.message}
            for test in evidence.smoke
        ],
        "checksums": {
            "plan": evidence.plan_sha256.hex if evidence.plan_sha256 else None,
            "files": {path: digest.hex for path, digest in evidence.files},
        },
        "checklist": [
            {"name": item.name, "done": item.done, "reason": item.reason}
            for item in evidence.checklist or checklist.assess(evidence)
        ],
        "suppressed": dict(evidence.suppressed),
        "seeding": _seeding(evidence),
        "tables": [_table(item) for item in evidence.tables],
        "schema_digests": {
            "before": evidence.schema_before.hex if evidence.schema_before else None,
            "after": evidence.schema_after.hex if evidence.schema_after else None,
        },
    }


def _linter(linter: LinterIdentity | None) -> dict[str, Any] | None:
    if linter is None:
        return None
    return {"name": linter.name, "version": linter.version, "sha256": linter.sha256.hex}


def _milliseconds(value: float) -> float:
    return round(max(value, 0.0), 3)


def _migration(item: MigrationEvidence) -> dict[str, Any]:
    sha256 = {"up": item.up_sha256.hex} | ({"down": item.down_sha256.hex} if item.down_sha256 else {})
    declared, assessed, rollback = item.declared, item.assessed, item.rollback
    return {
        "id": item.id,
        "new": item.new,
        "files": {"up": item.up_path, "down": item.down_path},
        "sha256": sha256,
        "declared": {
            "risk": declared.risk.value if declared.risk else None,
            "rollout": declared.rollout.value if declared.rollout else None,
            "rollback": declared.rollback.value if declared.rollback else None,
            "owner": declared.owner,
            "ticket": declared.ticket,
            "phase": declared.phase.value if declared.phase else None,
            "impact": declared.impact,
            "ops": declared.ops,
        },
        "assessed": {
            "risk": assessed.risk.value,
            "rollout": assessed.rollout.value,
            "reasons": list(assessed.reasons),
        }
        if assessed
        else None,
        "apply": {
            "outcome": item.apply.outcome.value,
            "mode": item.apply.mode.value,
            "duration_ms": None if item.apply.duration_ms is None else _milliseconds(item.apply.duration_ms),
            "error": item.apply.error,
        },
        "statements": [_statement(entry) for entry in item.statements],
        "schema_diff": _diff(item.schema_diff),
        "rollback": {
            "strategy": rollback.strategy.value,
            "proof": rollback.proof.value,
            "schema_restored": rollback.schema_restored,
            "data_restored": rollback.data_restored,
            "message": rollback.message,
            "price": list(rollback.price),
            "commands": list(rollback.commands),
            "mode": rollback.mode.value,
            "statements": [_statement(entry) for entry in rollback.statements],
            "difference": _diff(rollback.difference),
        },
    }


def _statement(entry: StatementEvidence) -> dict[str, Any]:
    return {
        "line": entry.line,
        "end_line": entry.end_line,
        "kind": entry.kind,
        "duration_ms": _milliseconds(entry.duration_ms),
        "locks": [_lock(lock) for lock in entry.locks.taken],
        "held": [_lock(lock) for lock in entry.locks.held],
        "rewrites": list(entry.effects.rewrites),
        "scans": list(entry.effects.scans),
        "index_builds": list(entry.effects.index_builds),
        "proofs": list(entry.proofs),
        "rows": entry.rows,
        "wal_bytes": entry.effects.wal_bytes,
        "lock_timeout_ms": entry.timeouts.lock_ms,
        "statement_timeout_ms": entry.timeouts.statement_ms,
        "notices": list(entry.notices),
        "error": entry.error,
        "within": entry.within,
        "inner": [_statement(part) for part in entry.inner],
    }


def _lock(lock: Lock) -> dict[str, Any]:
    return {
        "relation": lock.relation,
        "mode": lock.mode.value,
        "blocks": list(lock.mode.blocks),
        "preexisting": lock.preexisting,
        "kind": lock.kind,
    }


def _diff(diff: SchemaDiff) -> dict[str, list[str]]:
    return {
        "added": list(diff.added),
        "changed": [f"{change.name}: {change.before} → {change.after}" for change in diff.changed],
        "removed": list(diff.removed),
    }


def finding(item: Finding) -> dict[str, Any]:
    """Return one finding as plain values."""
    return {
        "rule": item.rule,
        "hazard": item.hazard.value,
        "severity": item.severity.value,
        "verdict": item.verdict.value,
        "file": item.place.file,
        "line": item.place.line,
        "column": item.place.column,
        "end_line": item.place.end_line,
        "migration": item.migration,
        "message": item.message,
        "help": item.help,
        "docs": item.docs,
        "acknowledged": {"reason": item.acknowledged.reason} if item.acknowledged else None,
    }


def _seeding(evidence: Evidence) -> dict[str, Any] | None:
    if evidence.seeding is None:
        return None
    return {
        "seed": evidence.seeding.seed,
        "tables": [{"name": name, "rows": rows} for name, rows in evidence.seeding.tables],
        "unseeded": [{"name": name, "reason": reason} for name, reason in evidence.seeding.unseeded],
    }


def _table(table: Table) -> dict[str, Any]:
    return {
        "name": table.name,
        "columns": [{"name": column.name, "type": column.type, "key": column.key} for column in table.columns],
        "references": list(table.references),
    }
