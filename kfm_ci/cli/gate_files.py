"""The files that ``gate`` writes to ``--out``."""

from __future__ import annotations

from dataclasses import dataclass

from kfm_ci.cli.output_files import OutputDirectory
from kfm_ci.evidence.model import Evidence
from kfm_ci.github.context import Context
from kfm_ci.model import Digest
from kfm_ci.receipt import statement
from kfm_ci.report import gate_json, html, junit, plan_txt, sarif
from kfm_ci.report.comment import body


@dataclass(frozen=True, slots=True, kw_only=True)
class GateInputs:
    """Digests of the inputs of a run other than migrations."""

    config: Digest | None = None
    """Of the file with the settings."""
    policy: Digest | None = None
    """Of the settings that decide."""
    smoke: Digest | None = None
    """Of the list of smoke tests, in sha256sum format."""


def write(out: OutputDirectory, evidence: Evidence, context: Context, digests: GateInputs) -> None:
    """Write every file of the contract."""
    documents = {
        "gate.json": gate_json.dumps(evidence),
        "plan.txt": plan_txt.render(evidence.plan),
        "comment.md": body.compose(evidence),
        "report.html": html.render(evidence),
        "findings.sarif": sarif.dumps(evidence),
        "junit.xml": junit.render(evidence),
    }
    byproducts = {name: Digest.of(text.encode("utf-8", "replace")) for name, text in documents.items()}
    receipt = statement.build(
        evidence,
        config_digest=digests.config,
        policy_digest=digests.policy,
        smoke_digest=digests.smoke,
        byproducts=byproducts,
        who={"actor": context.actor} if context.actor else None,
        why={key: value for key, value in {"event": context.event, "run": context.run_url}.items() if value} or None,
    )
    for name, text in documents.items():
        out.replace(name, text.encode("utf-8", "replace"))
    out.replace("receipt.json", receipt)
