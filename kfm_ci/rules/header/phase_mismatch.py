"""Rule ``phase-mismatch``: declared phase does not fit the statements."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.header_keys import EXAMPLE, headed, key_place
from kfm_ci.analysis.phases import Steps, derive
from kfm_ci.migrations.model import Header, Migration
from kfm_ci.model import Finding, Hazard, Phase, Severity
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.rule import migration_finding
from kfm_ci.sql import statements

PHASE_MISMATCH = RuleInfo(
    id="phase-mismatch",
    hazard=Hazard.HEADER,
    title="Declared phase does not fit the statements",
    why=(
        "`expand` adds objects, `migrate` moves data, `contract` removes what no release uses. Releases rely "
        "on the declared phase: `expand` with a dropped column breaks the running release. Correct the phase "
        "or split the migration."
    ),
    severities=(
        Severity.ERROR,
        Severity.WARNING,
    ),
    bad=EXAMPLE.replace("-- dialect", "-- phase: expand\n-- dialect").replace(
        "create table widgets (id bigint generated always as identity primary key);",
        "alter table widgets drop column colour;",
    ),
    good=EXAMPLE.replace("-- dialect", "-- phase: contract\n-- dialect").replace(
        "create table widgets (id bigint generated always as identity primary key);",
        "alter table widgets drop column colour;",
    ),
)


class PhaseMismatch:
    """Compares the declared phase with the phases of the statements."""

    info = PHASE_MISMATCH

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a finding for each header whose phase differs from its statements."""
        derived = derive(change)
        for migration, header in headed(change):
            phase = header.choice("phase", Phase)
            steps = derived.get(migration.id)
            if phase is not None and steps:
                yield from self._judge(migration, header, Phase(phase), steps)

    def _judge(self, migration: Migration, header: Header, phase: Phase, steps: Steps) -> Iterator[Finding]:
        removal = steps.get(Phase.CONTRACT)
        if removal is not None and phase is not Phase.CONTRACT:
            did = statements.kind(removal.text)
            yield migration_finding(
                PHASE_MISMATCH,
                (
                    f"The header declares `phase: {phase}`, but `{did}` on line {removal.line} removes an object, "
                    "a contract step."
                ),
                help="Move the removal to a later migration with `phase: contract`.",
                place=key_place(migration, header, "phase"),
                migration=migration,
            )
        elif phase not in steps and Phase.CONTRACT not in steps:
            declared = " and ".join(str(step) for step in Phase if step in steps)
            yield migration_finding(
                PHASE_MISMATCH,
                f"The header declares `phase: {phase}`, but the statements are {declared}.",
                help=f"Write `-- phase: {next(step for step in Phase if step in steps)}`.",
                place=key_place(migration, header, "phase"),
                migration=migration,
                severity=Severity.WARNING,
            )
