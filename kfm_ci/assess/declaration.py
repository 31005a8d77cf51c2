"""The declarations of a migration's header."""

from __future__ import annotations

from kfm_ci.evidence.model import Declared
from kfm_ci.migrations.model import Migration
from kfm_ci.model import Phase, Risk, Rollout, Strategy


def declared(migration: Migration) -> Declared:
    """Return what a migration's header says, as far as it is valid."""
    header = migration.header
    if header is None:
        return Declared()
    level, rollout = header.choice("risk", Risk), header.choice("rollout", Rollout)
    rollback, phase = header.choice("rollback", Strategy), header.choice("phase", Phase)
    return Declared(
        risk=Risk(level) if level else None,
        rollout=Rollout(rollout) if rollout else None,
        rollback=Strategy(rollback) if rollback else None,
        phase=Phase(phase) if phase else None,
        owner=header.values.get("owner"),
        ticket=header.values.get("ticket"),
        impact=header.values.get("impact"),
        ops=header.values.get("ops"),
    )
