"""The definition of done: eight points with their state and reason, from findings and evidence."""

from __future__ import annotations

from dataclasses import replace

from kfm_ci import phrases
from kfm_ci.assess import ranking
from kfm_ci.evidence.model import ChecklistItem, Evidence, MigrationEvidence
from kfm_ci.model import ROLLOUT_HAZARDS, Finding, Hazard, Outcome, Proof, Rollout, StageStatus, Strategy

_RUN = frozenset({Hazard.MIGRATION_ERROR, Hazard.DATA_DEPENDENT, Hazard.INVALID_INDEX, Hazard.NOT_REPEATABLE})
_LOAD = ROLLOUT_HAZARDS | {Hazard.TIMEOUT, Hazard.LOCK_ORDER}
_STAGED = frozenset({Hazard.BREAKS_CLIENTS, Hazard.COEXISTENCE, Hazard.DATA_LOSS})
_CONVENTIONS = frozenset({Hazard.NAMING, Hazard.ORDER, Hazard.MANIFEST, Hazard.IMMUTABILITY})


def assess(evidence: Evidence) -> tuple[ChecklistItem, ...]:
    """Return the eight points in order; none without new migrations. A point that was not checked is never ticked."""
    if not evidence.new:
        return ()
    return (
        _static_point(
            evidence, "Named and ordered by convention", _CONVENTIONS, "names, order and history are correct"
        ),
        _header(evidence),
        _safe_under_load(evidence),
        _rollback(evidence),
        _applied(evidence),
        _staged(evidence),
        _static_point(
            evidence, "No secrets or foreign content", {Hazard.FORBIDDEN_CONTENT}, "no secret, dump or binary"
        ),
        _operations(evidence),
    )


def _blocking(evidence: Evidence, hazards: frozenset[Hazard] | set[Hazard]) -> tuple[Finding, ...]:
    return tuple(item for item in ranking.ranked(evidence.findings) if item.is_blocking and item.hazard in hazards)


def _first_of(findings: tuple[Finding, ...]) -> str:
    """Return the rule and place of the first finding, and the number of the others."""
    first = findings[0]
    line = f":{first.place.line}" if first.place.line else ""
    place = f" in `{first.place.file}{line}`" if first.place.file else ""
    return f"{first.rule}{place}{phrases.and_more(len(findings), 1)}"


def _ended(evidence: Evidence, stage: str) -> bool:
    """Whether a stage passed or failed."""
    return any(
        item.name == stage and item.status in {StageStatus.PASSED, StageStatus.FAILED} for item in evidence.stages
    )


def _passed(evidence: Evidence, stage: str) -> bool:
    return any(item.name == stage and item.status is StageStatus.PASSED for item in evidence.stages)


def _static_point(evidence: Evidence, name: str, hazards: frozenset[Hazard] | set[Hazard], good: str) -> ChecklistItem:
    blocking = _blocking(evidence, hazards)
    if blocking:
        return ChecklistItem(name=name, done=False, reason=_first_of(blocking))
    if not _ended(evidence, "validate"):
        return ChecklistItem(name=name, done=False, reason="not checked: validate did not run")
    return ChecklistItem(name=name, done=True, reason=good)


def _header(evidence: Evidence) -> ChecklistItem:
    point = _static_point(
        evidence,
        "Header complete and correct",
        {Hazard.HEADER, Hazard.UNDERSTATED_RISK},
        "required keys exist, and no risk is understated",
    )
    unobserved = _unobserved(evidence)
    return replace(point, done=False, reason=f"complete, but {unobserved}") if point.done and unobserved else point


def _needs_window(migration: MigrationEvidence) -> bool:
    assessed = migration.assessed is not None and migration.assessed.rollout is Rollout.WINDOW
    return assessed or migration.declared.rollout is Rollout.WINDOW


def _safe_under_load(evidence: Evidence) -> ChecklistItem:
    name = "Safe under load, or in a declared maintenance window"
    blocking = _blocking(evidence, _LOAD)
    if blocking:
        return ChecklistItem(name=name, done=False, reason=_first_of(blocking))
    unobserved = _unobserved(evidence)
    if unobserved is not None:
        return ChecklistItem(name=name, done=False, reason=unobserved)
    if any(_needs_window(item) for item in evidence.new):
        return ChecklistItem(name=name, done=True, reason="a maintenance window is declared")
    return ChecklistItem(name=name, done=True, reason="no long lock, rewrite or scan was observed")


def _rollback(evidence: Evidence) -> ChecklistItem:
    name = "Rollback documented and proven"
    blocking = _blocking(evidence, frozenset({Hazard.ROLLBACK_MISSING, Hazard.ROLLBACK_UNPROVEN}))
    if blocking:
        return ChecklistItem(name=name, done=False, reason=_first_of(blocking))
    for item in evidence.new:
        rollback = item.rollback
        if rollback.idle:
            continue
        if rollback.strategy is Strategy.NONE:
            return ChecklistItem(name=name, done=False, reason=f"`{item.id}` has no rollback strategy")
        if rollback.proof is Proof.FAILED or (
            rollback.proof is Proof.NOT_RUN and rollback.strategy is not Strategy.MANUAL
        ):
            return ChecklistItem(name=name, done=False, reason=f"the rollback of `{item.id}` was not proven")
    manual = sum(
        item.rollback.strategy is Strategy.MANUAL and item.rollback.proof is Proof.NOT_RUN for item in evidence.new
    )
    reason = (
        f"documented; {manual} manual, not drilled" if manual else "each rollback was run and restores schema and data"
    )
    return ChecklistItem(name=name, done=True, reason=reason)


def _applied(evidence: Evidence) -> ChecklistItem:
    name = "Applied to a throwaway database, with tests"
    blocking = _blocking(evidence, _RUN | {Hazard.SMOKE, Hazard.TRANSACTION})
    failed = [test.name for test in evidence.smoke if not test.passed]
    if blocking:
        reason = _first_of(blocking)
    elif any(item.apply.outcome is not Outcome.APPLIED for item in evidence.new) or not _passed(evidence, "apply"):
        reason = "not every new migration was applied"
    elif failed:
        reason = f"`{failed[0]}` failed"
    elif not evidence.smoke:
        reason = "applied, but there is no smoke test: configure `[smoke]`"
    elif not _passed(evidence, "smoke"):
        reason = "the smoke stage did not pass"
    else:
        tests = phrases.count(len(evidence.smoke), "smoke test")
        return ChecklistItem(name=name, done=True, reason=f"applied, and {tests} passed")
    return ChecklistItem(name=name, done=False, reason=reason)


def _staged(evidence: Evidence) -> ChecklistItem:
    name = "Staged as expand, migrate, contract"
    blocking = _blocking(evidence, _STAGED)
    if blocking:
        return ChecklistItem(name=name, done=False, reason=_first_of(blocking))
    if not _ended(evidence, "validate") or not _ended(evidence, "apply"):
        return ChecklistItem(name=name, done=False, reason="not checked: validate and apply did not both run")
    unobserved = _unobserved(evidence)
    if unobserved is not None:
        return ChecklistItem(name=name, done=False, reason=unobserved)
    if _contracts(evidence):
        reason = "drops are declared, and no code in the repository uses the objects"
    else:
        reason = "nothing is dropped or renamed"
    return ChecklistItem(name=name, done=True, reason=f"the running release keeps working: {reason}")


def _contracts(evidence: Evidence) -> bool:
    return any(item.is_active and item.hazard in _STAGED for item in evidence.findings)


def _unobserved(evidence: Evidence) -> str | None:
    """Return why the evidence is incomplete; None when every new migration was applied."""
    ids = [item.id for item in evidence.new if item.apply.outcome is not Outcome.APPLIED]
    return f"not observed: `{ids[0]}` was not applied" if ids else None


def _operations(evidence: Evidence) -> ChecklistItem:
    name = "Operational notes"
    blocking = _blocking(evidence, frozenset({Hazard.TRACEABILITY}))
    if blocking:
        return ChecklistItem(name=name, done=False, reason=_first_of(blocking))
    # in the native format the rule traceability checks the steps of a maintenance window; they may be in the
    # pull request's text. Otherwise only the header counts.
    is_native = evidence.format == "kfm"
    without_steps = [
        item.id
        for item in evidence.new
        if _needs_window(item) and not item.declared.ops and not (is_native and item.declared.rollout is Rollout.WINDOW)
    ]
    if not _ended(evidence, "validate"):
        return ChecklistItem(name=name, done=False, reason="not checked: validate did not run")
    if without_steps:
        return ChecklistItem(
            name=name,
            done=False,
            reason=f"`{without_steps[0]}` needs a maintenance window but declares no steps: add `ops` to its header",
        )
    window = any(_needs_window(item) for item in evidence.new)
    unobserved = _unobserved(evidence)
    if unobserved is not None and not window:
        return ChecklistItem(name=name, done=False, reason=f"whether a maintenance window is needed is {unobserved}")
    return ChecklistItem(
        name=name, done=True, reason="steps are declared" if window else "no maintenance window, so no steps needed"
    )
