"""The JSON Schema of a receipt, for auditors and other tools."""

from __future__ import annotations

from typing import Any

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://kfm-ci.github.io/kfm-ci/receipt/v1"

_HEX: dict[str, Any] = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_DIGEST: dict[str, Any] = {
    "type": "object",
    "required": ["sha256"],
    "properties": {"sha256": _HEX},
    "additionalProperties": False,
}
_NAMED: dict[str, Any] = {
    "type": "object",
    "required": ["name", "digest"],
    "properties": {"name": {"type": "string"}, "digest": _DIGEST},
}
_MAYBE_DIGEST: dict[str, Any] = {"anyOf": [_DIGEST, {"type": "null"}]}
_MAYBE_TEXT: dict[str, Any] = {"type": ["string", "null"]}
_COUNT: dict[str, Any] = {"type": "integer", "minimum": 0}
_RESULT: dict[str, Any] = {"enum": ["success", "failure"]}

_MIGRATION: dict[str, Any] = {
    "type": "object",
    "required": ["migration_id", "git_sha", "applied_at", "db_target", "tool", "checksums", "result"],
    "properties": {
        "migration_id": {"type": "string"},
        "git_sha": _MAYBE_TEXT,
        "applied_at": {**_MAYBE_TEXT, "description": "RFC 3339, UTC; null when it was not applied"},
        "db_target": {"type": "string", "description": "environment, or ephemeral; never a host"},
        "tool": {"type": "string"},
        "checksums": {"type": "object", "additionalProperties": _HEX, "required": ["up"]},
        "result": _RESULT,
        "outcome": {"enum": ["applied", "failed", "not-run"]},
        "mode": {"enum": ["transaction", "autocommit"]},
        "statements": _COUNT,
        "duration_ms": {"type": ["integer", "null"], "minimum": 0},
        "sqlstate": {"anyOf": [{"type": "string", "pattern": "^[0-9A-Z]{5}$"}, {"type": "null"}]},
    },
}

SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": PREDICATE_TYPE,
    "title": "kfm-ci receipt",
    "type": "object",
    "required": ["_type", "predicateType", "subject", "predicate"],
    "properties": {
        "_type": {"const": STATEMENT_TYPE},
        "predicateType": {"const": PREDICATE_TYPE},
        "subject": {"type": "array", "minItems": 1, "items": _NAMED},
        "predicate": {
            "type": "object",
            "required": [
                "chain",
                "engine",
                "failure",
                "inputs",
                "migrations",
                "outputs",
                "result",
                "risk",
                "rollback",
                "seed",
                "stage",
                "steps",
                "what",
                "when",
                "who",
                "why",
            ],
            "properties": {
                "result": _RESULT,
                "failure": {
                    "anyOf": [
                        {
                            "type": "object",
                            "required": ["code"],
                            "properties": {
                                "code": {"type": "string"},
                                "step": _MAYBE_TEXT,
                                "migration": _MAYBE_TEXT,
                                "sqlstate": _MAYBE_TEXT,
                            },
                        },
                        {"type": "null"},
                    ]
                },
                "stage": {
                    "type": "object",
                    "required": ["kind", "environment"],
                    "properties": {"kind": {"enum": ["check", "apply", "rollback"]}, "environment": _MAYBE_TEXT},
                },
                "who": {"type": "object"},
                "why": {"type": "object"},
                "when": {
                    "type": "object",
                    "required": ["started_on", "finished_on"],
                    "properties": {"started_on": {"type": "string"}, "finished_on": {"type": "string"}},
                },
                "what": {
                    "type": "object",
                    "required": ["plan", "target"],
                    "properties": {
                        "plan": {
                            "type": "object",
                            "required": ["digest", "count"],
                            "properties": {"digest": _DIGEST, "count": _COUNT},
                        },
                        "target": {"type": "object"},
                    },
                },
                "migrations": {"type": "array", "items": _MIGRATION},
                "inputs": {
                    "type": "object",
                    "required": ["source", "config", "policy", "smoke", "files", "receipts"],
                    "properties": {
                        "config": _MAYBE_DIGEST,
                        "policy": _MAYBE_DIGEST,
                        "smoke": _MAYBE_DIGEST,
                        "linter": {
                            "anyOf": [
                                {
                                    "type": "object",
                                    "required": ["name", "version", "digest"],
                                    "properties": {
                                        "name": {"type": "string"},
                                        "version": {"type": "string"},
                                        "digest": _DIGEST,
                                    },
                                },
                                {"type": "null"},
                            ]
                        },
                        "files": {"type": "array", "items": _NAMED},
                        "receipts": {"type": "array", "items": _NAMED},
                    },
                },
                "outputs": {
                    "type": "object",
                    "required": ["schema", "findings", "smoke", "suppressed", "byproducts"],
                    "properties": {"byproducts": {"type": "array", "items": _NAMED}},
                },
                "steps": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["id", "outcome", "duration_ms"],
                        "properties": {
                            "id": {"type": "string"},
                            "outcome": {"enum": ["passed", "failed", "skipped", "errored"]},
                            "duration_ms": _COUNT,
                        },
                    },
                },
                "risk": {
                    "type": "object",
                    "required": ["level"],
                    "properties": {"level": {"enum": ["low", "medium", "high"]}},
                },
                "rollback": {"type": "array", "items": {"type": "object"}},
                "chain": {
                    "anyOf": [
                        {
                            "type": "object",
                            "required": ["sequence", "previous"],
                            "properties": {"sequence": _COUNT, "previous": _MAYBE_DIGEST},
                        },
                        {"type": "null"},
                    ]
                },
                "engine": {"type": ["object", "null"]},
                "seed": {"type": ["integer", "null"]},
            },
        },
    },
}
"""The output of ``kfm-ci receipt schema``; unknown fields are allowed, the verifier decides on unknown inputs."""
