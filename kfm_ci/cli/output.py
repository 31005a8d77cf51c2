"""Files written to ``--out``: each whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from kfm_ci.errors import CannotCheck
from kfm_ci.evidence.model import Evidence
from kfm_ci.github.context import Context
from kfm_ci.model import Digest
from kfm_ci.receipt import statement
from kfm_ci.report import gate, html, junit, markdown, plan, sarif


def prepare(out: Path) -> None:
    """Make the directory before the first stage, so that a full disk shows early."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotCheck(code="KFM-C30", message=f"the output cannot be written: {error.strerror}", where=str(out),
                          help="choose another --out") from error  # fmt: skip


def write(
    out: Path, evidence: Evidence, context: Context, inputs: Mapping[str, Digest], *, policy: Digest | None = None
) -> None:
    """Write every file of the contract; ``policy`` is the digest of the settings that judged."""
    documents = {
        "gate.json": gate.dumps(evidence),
        "plan.txt": plan.render(evidence.plan),
        "comment.md": markdown.compose(evidence),
        "report.html": html.render(evidence),
        "findings.sarif": sarif.dumps(evidence),
        "junit.xml": junit.render(evidence),
    }
    byproducts = {name: Digest.of(text.encode("utf-8", "replace")) for name, text in documents.items()}
    config_digest = inputs.get("kfm-ci.toml") or inputs.get("pyproject.toml")
    smoke = "".join(f"{digest}  {path}\n" for path, digest in inputs.items() if path.endswith(".sql"))
    receipt = statement.build(
        evidence, config_digest=config_digest, policy_digest=policy,
        smoke_digest=Digest.of(smoke.encode()) if smoke else None, byproducts=byproducts,
        who={"actor": context.actor} if context.actor else None,
        why={key: value for key, value in {"event": context.event, "run": context.run_url}.items() if value} or None,
    )  # fmt: skip
    for name, text in documents.items():
        _replace(out / name, text.encode("utf-8", "replace"))
    _replace(out / "receipt.json", receipt)


def _replace(path: Path, data: bytes) -> None:
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise CannotCheck(code="KFM-C30", message=f"the output cannot be written: {error.strerror}", where=str(path),
                          help="free space, or choose another --out") from error  # fmt: skip
