"""The receipt: an in-toto Statement v1 with who, what, why, inputs and outputs of a run.

It holds digests, names and counts only: no SQL text, no row, no host, no secret. Of a server's error only the
SQLSTATE is kept, because its message may quote rows.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kfm_ci.evidence.model import Evidence, MigrationEvidence
from kfm_ci.model import Digest, Outcome, Proof, Result
from kfm_ci.receipt.rendering import render
from kfm_ci.receipt.schema import PREDICATE_TYPE, SCHEMA, STATEMENT_TYPE
from kfm_ci.receipt.strict_json import MalformedJson, decode, encode

__all__ = ["PREDICATE_TYPE", "SCHEMA", "STATEMENT_TYPE", "Link", "MalformedJson", "Target", "build", "parse", "show"]

_SQLSTATE = re.compile(r"(?:[0-9][0-9A-Z]|F0|HV|P0|XX)[0-9A-Z]{3}(?![0-9A-Za-z])")
_CODE = re.compile(r"KFM-[A-Z][0-9]{1,4}(?![0-9A-Za-z])")
_CREDENTIALS = re.compile(r"(?i)([a-z][a-z0-9+.-]*://)[^/\s@]*@")
_CLAIM = 280
"""Maximum number of characters of one claim."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The target: a throwaway server unless an environment is named."""

    kind: str = "check"
    """``check`` (throwaway server), ``apply`` or ``rollback`` (a real target)."""
    environment: str | None = None
    identity: Digest | None = None
    """Digest of the database's identity; never its address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """The place of a receipt in the chain."""

    sequence: int | None = None
    """Number within its environment; None: not part of a chain."""
    previous: Digest | None = None
    """Digest of the previous receipt of the environment."""
    receipts: Mapping[str, Digest] = field(default_factory=dict)
    """Digests of receipts of other environments that it relies on, by name."""


def build(
    evidence: Evidence,
    *,
    config_digest: Digest | None,
    policy_digest: Digest | None,
    smoke_digest: Digest | None,
    byproducts: Mapping[str, Digest],
    who: Mapping[str, Any] | None = None,
    why: Mapping[str, Any] | None = None,
    target: Target | None = None,
    link: Link | None = None,
) -> bytes:
    """Return the receipt's exact bytes; the same arguments give the same bytes.

    ``who`` and ``why`` are claims (strings, integers, booleans, lists and objects of them; other types raise
    Malformed); long strings are cut and credentials in addresses removed.
    """
    target, link = target or Target(), link or Link()
    predicate = {
        "result": "success" if evidence.result is Result.PASS else "failure",
        "failure": _failure(evidence),
        "stage": {"kind": target.kind, "environment": target.environment},
        "who": _claim(dict(who or {})),
        "why": _claim(dict(why or {})),
        "when": {"started_on": evidence.started_on, "finished_on": evidence.finished_on},
        "what": {
            "plan": {"digest": _digest(evidence.plan_sha256 or Digest.of(b"")), "count": len(evidence.plan)},
            "target": {"environment": target.environment or "ephemeral", "identity": _maybe(target.identity)},
        },
        "migrations": [_migration(evidence, item, target) for item in evidence.new],
        "inputs": _inputs(evidence, link, config=config_digest, policy=policy_digest, smoke=smoke_digest),
        "outputs": _outputs(evidence, byproducts),
        "steps": [
            {"id": stage.name, "outcome": stage.status.value, "duration_ms": max(round(stage.duration_ms), 0)}
            for stage in evidence.stages
        ],
        "risk": {"level": evidence.risk.value},
        "rollback": [_rollback(item) for item in evidence.new],
        "chain": None if link.sequence is None else {"sequence": link.sequence, "previous": _maybe(link.previous)},
        "engine": {"kind": evidence.engine.kind, "server_version": evidence.engine.server_version}
        if evidence.engine
        else None,
        "seed": evidence.seeding.seed if evidence.seeding else None,
        "format": evidence.format,
    }
    statement = {
        "_type": STATEMENT_TYPE,
        "predicateType": PREDICATE_TYPE,
        "subject": _subjects(evidence),
        "predicate": predicate,
    }
    return encode(_utf8(statement))


def _inputs(
    evidence: Evidence, link: Link, *, config: Digest | None, policy: Digest | None, smoke: Digest | None
) -> dict[str, Any]:
    source, linter = evidence.source, evidence.linter
    return {
        "source": {"git_sha": source.git_sha, "base_sha": source.base_sha, "tree_clean": source.tree_clean},
        "config": _maybe(config),
        "policy": _maybe(policy),
        "smoke": _maybe(smoke),
        "linter": None
        if linter is None
        else {"name": linter.name, "version": linter.version, "digest": _digest(linter.sha256)},
        "files": [_named(path, digest) for path, digest in sorted(evidence.files)],
        "receipts": [_named(name, digest) for name, digest in sorted(link.receipts.items())],
    }


def _subjects(evidence: Evidence) -> list[dict[str, Any]]:
    # a statement needs a subject; for an empty plan that is the empty plan itself
    return [_named(path, digest) for path, digest in evidence.plan] or [_named("plan.txt", Digest.of(b""))]


def _digest(value: Digest) -> dict[str, str]:
    return {"sha256": value.hex}


def _maybe(value: Digest | None) -> dict[str, str] | None:
    return _digest(value) if value else None


def _named(name: str, value: Digest) -> dict[str, Any]:
    return {"name": name, "digest": _digest(value)}


def _utf8(value: Any) -> Any:
    """Escape text that is not valid UTF-8: a file name may be any bytes, and a receipt is always written."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict):
        return {_utf8(key): _utf8(item) for key, item in value.items()}
    return [_utf8(item) for item in value] if isinstance(value, list) else value


def _migration(evidence: Evidence, item: MigrationEvidence, target: Target) -> dict[str, Any]:
    is_blocked = any(found.is_blocking and found.migration == item.id for found in evidence.findings)
    applied = item.apply.outcome is Outcome.APPLIED
    checksums = {"up": item.up_sha256.hex} | ({"down": item.down_sha256.hex} if item.down_sha256 else {})
    return {
        "migration_id": item.id,
        "git_sha": evidence.source.git_sha,
        "applied_at": (evidence.finished_on or None) if applied else None,
        "db_target": target.environment or "ephemeral",
        "tool": f"kfm-ci {evidence.tool_version}",
        "checksums": checksums,
        "result": "success" if applied and not is_blocked else "failure",
        "outcome": item.apply.outcome.value,
        "mode": item.apply.mode.value,
        "statements": len(item.statements),
        "duration_ms": None if item.apply.duration_ms is None else max(round(item.apply.duration_ms), 0),
        "sqlstate": _sqlstate(item.apply.error),
    }


def _sqlstate(message: str | None) -> str | None:
    found = _SQLSTATE.match(message or "")
    return found[0] if found else None


def _rollback(item: MigrationEvidence) -> dict[str, Any]:
    return {
        "migration_id": item.id,
        "strategy": item.rollback.strategy.value,
        "proof": item.rollback.proof.value,
        "schema_restored": item.rollback.schema_restored,
        "data_restored": item.rollback.data_restored,
        "down": _maybe(item.down_sha256),
    }


def _outputs(evidence: Evidence, byproducts: Mapping[str, Digest]) -> dict[str, Any]:
    counted = Counter(
        (item.rule, item.hazard.value, item.severity.value, item.migration or "")
        for item in evidence.findings
        if item.is_active
    )
    return {
        "schema": {"before": _maybe(evidence.schema_before), "after": _maybe(evidence.schema_after)},
        "findings": [
            {"rule": rule, "hazard": hazard, "severity": severity, "migration": migration or None, "count": count}
            for (rule, hazard, severity, migration), count in sorted(counted.items())
        ],
        "smoke": {
            "passed": sum(test.passed for test in evidence.smoke),
            "failed": sum(not test.passed for test in evidence.smoke),
        },
        "suppressed": {_claim(reason): number for reason, number in evidence.suppressed.items()},
        "byproducts": [_named(name, digest) for name, digest in sorted(byproducts.items())],
    }


def _failure(evidence: Evidence) -> dict[str, Any] | None:
    if evidence.result is Result.PASS:
        return None
    step = next((stage.name for stage in evidence.stages if stage.status.value in {"failed", "errored"}), None)
    broken = next((item for item in evidence.migrations if item.apply.outcome is Outcome.FAILED), None)
    return {
        "code": _failure_code(evidence, broken),
        "step": step,
        "migration": broken.id if broken else None,
        "sqlstate": _sqlstate(broken.apply.error) if broken else None,
    }


def _failure_code(evidence: Evidence, broken: MigrationEvidence | None) -> str:
    """Return the code of the error that ended the run, else one for the cause of the verdict."""
    code = _CODE.match(evidence.failure or "")
    if code:
        return code[0]
    if evidence.result is Result.ERROR:
        return "KFM-E05"  # could not check
    if broken is not None:
        return "KFM-E02"  # a migration failed
    if any(not test.passed for test in evidence.smoke):
        return "KFM-E03"  # a smoke test failed
    if any(item.rollback.proof is Proof.FAILED for item in evidence.new):
        return "KFM-E04"  # a rollback failed its drill
    return "KFM-E01"  # findings fail the gate


def _claim(value: Any) -> Any:
    if isinstance(value, str):
        return _CREDENTIALS.sub(r"\1", value)[:_CLAIM]
    if isinstance(value, Mapping):
        return {str(key): _claim(item) for key, item in value.items()}
    return [_claim(item) for item in value] if isinstance(value, list | tuple) else value


def parse(data: bytes) -> dict[str, Any]:
    """Return the statement; raises MalformedJson for ambiguous JSON and for anything that is not a receipt.

    Pass only bytes with a verified signature, or report that they are not verified.
    """
    statement = decode(data)
    if statement.get("_type") != STATEMENT_TYPE:
        raise MalformedJson(f"_type is not {STATEMENT_TYPE}")
    if statement.get("predicateType") != PREDICATE_TYPE:
        raise MalformedJson(f"predicateType is not {PREDICATE_TYPE}")
    subjects, predicate = statement.get("subject"), statement.get("predicate")
    if not isinstance(subjects, list) or not subjects or not all(_is_subject(item) for item in subjects):
        raise MalformedJson("subject is not a list of names with sha256 digests")
    if not isinstance(predicate, dict) or predicate.get("result") not in {"success", "failure"}:
        raise MalformedJson("predicate.result is neither success nor failure")
    return statement


def _is_subject(item: object) -> bool:
    if not isinstance(item, dict) or not isinstance(item.get("name"), str) or not isinstance(item.get("digest"), dict):
        return False
    return re.fullmatch(r"[0-9a-f]{64}", str(item["digest"].get("sha256"))) is not None


def show(data: bytes) -> str:
    """Return a receipt as readable text with escaped control characters; raises MalformedJson as ``parse`` does."""
    return render(parse(data), Digest.of(data))
