"""What is told of a tool that runs all that is pending in one transaction, seen in its files or in what it sent."""

from __future__ import annotations

from kfm_ci.model import Finding, Hazard, Place, Severity
from kfm_ci.stages.base import Run


def tell(run: Run, tool: str) -> None:
    """Note that the locks of the first new migration are held to the end of the last."""
    last = run.new[-1]
    run.findings.append(Finding(
        rule="one-transaction-for-all", hazard=Hazard.LOCK_ORDER, severity=Severity.NOTE, migration=last.id,
        message=f"{tool} runs all {len(run.new)} new migrations in one transaction: locks taken by the first are held to the end of the last",
        help="deploy them one by one where that is too long", place=Place(file=last.up_path, line=1),
    ))  # fmt: skip
