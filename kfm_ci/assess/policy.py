"""The policy applied to findings: severities, acknowledgements, and the phase that may remove objects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from kfm_ci.assess.acknowledgement_scope import Scope
from kfm_ci.migrations import acknowledgements
from kfm_ci.migrations.model import Migration
from kfm_ci.model import Finding, Hazard, Phase, Place, Severity, Verdict
from kfm_ci.rules.compatibility.dropped_object_in_use import DROPPED_OBJECT_IN_USE
from kfm_ci.rules.suppression.unused_acknowledgement import UNUSED_ACKNOWLEDGEMENT

OFF = "off"
UNUSED = UNUSED_ACKNOWLEDGEMENT.id

ACKNOWLEDGEABLE = frozenset(
    {
        Hazard.FORBIDDEN_CONTENT,
        Hazard.UNANALYSABLE,
        Hazard.BLOCKS_READS,
        Hazard.BLOCKS_WRITES,
        Hazard.TABLE_REWRITE,
        Hazard.FULL_SCAN,
        Hazard.DATA_LOSS,
        Hazard.BREAKS_CLIENTS,
        Hazard.DATA_DEPENDENT,
        Hazard.INVALID_INDEX,
        Hazard.TRANSACTION,
        Hazard.BACKFILL,
        Hazard.TIMEOUT,
        Hazard.LOCK_ORDER,
        Hazard.PRIVILEGE,
        Hazard.SESSION_STATE,
        Hazard.NOT_REPEATABLE,
        Hazard.COEXISTENCE,
    }
)
"""Hazards of a statement. Findings on the change as a whole must be fixed, not acknowledged."""

CONTRACTING = frozenset({Hazard.DATA_LOSS, Hazard.BREAKS_CLIENTS})
"""Hazards that are the very purpose of a migration of phase ``contract``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyResult:
    """All findings with their final severity, and the numbers of suppressed ones."""

    findings: tuple[Finding, ...]
    suppressed: dict[str, int]
    """Number of findings that are ``acknowledged``, ``refuted`` or ``off``; without zeros."""


def contracting(new: Iterable[Migration]) -> frozenset[str]:
    """Return the ids of the migrations that may remove unused objects: those that declare phase ``contract``."""
    return frozenset(
        migration.id
        for migration in new
        if migration.header is not None and migration.header.choice("phase", Phase) == Phase.CONTRACT
    )


def apply(
    findings: Iterable[Finding],
    *,
    severities: Mapping[str, str],
    allows: Mapping[str, Sequence[Scope]],
    contracts: frozenset[str] = frozenset(),
    complete: bool = True,
) -> PolicyResult:
    """Return the findings with the policy applied; those of rules that are off are only counted.

    ``severities``: level by rule id or hazard; a rule wins over its hazard, and a hazard's level never raises a note.
    ``allows``: acknowledgements by file. ``contracts``: see ``contracting``; a migration keeps the full severity if the
    repository's code still uses the removed names and the use is not acknowledged. ``complete``: whether all findings
    are known (the server ran), so that an acknowledgement without a finding is unused.
    """
    results: list[Finding] = []
    counted: Counter[str] = Counter()
    used: set[tuple[str, int, Hazard]] = set()
    findings = tuple(findings)
    contracts = contracts - _still_used(findings, severities, allows)
    for found in findings:
        weighed = _weighed(found, severities, contracts)
        if weighed is None:
            counted[OFF] += 1
            continue
        scope = _scope(weighed, allows)
        if scope is not None:
            used.add(_key(weighed.place.file or "", scope))
            weighed = replace(weighed, acknowledged=scope.allow.acknowledgement)
        if weighed.acknowledged is not None:
            counted["acknowledged"] += 1
        elif weighed.verdict is Verdict.REFUTED:
            counted["refuted"] += 1
        results.append(weighed)
    for unused in _unused(allows, used, complete=complete):
        weighed = _weighed(unused, severities, ())
        if weighed is None:
            counted[OFF] += 1
        else:
            results.append(weighed)
    return PolicyResult(findings=tuple(results), suppressed=dict(sorted(counted.items())))


def _still_used(
    findings: Iterable[Finding], severities: Mapping[str, str], allows: Mapping[str, Sequence[Scope]]
) -> frozenset[str | None]:
    """Return the migrations that remove objects which the repository's code certainly uses."""
    uses = (found for found in findings if found.rule == DROPPED_OBJECT_IN_USE.id and _scope(found, allows) is None)
    return frozenset(
        found.migration
        for found in uses
        if (weighed := _weighed(found, severities, ())) is not None and weighed.severity is Severity.ERROR
    )


def _weighed(found: Finding, severities: Mapping[str, str], contracts: Container[str]) -> Finding | None:
    """Return the finding with its severity, or None when the policy switched it off."""
    level = severities.get(found.rule)
    if level is None:
        level = severities.get(found.hazard.value)
        # a level for a hazard replaces its default severity, so a note stays a note
        if level not in {None, OFF} and found.severity is Severity.NOTE:
            level = None
    if level == OFF:
        return None
    if level is not None:
        return replace(found, severity=Severity(level))
    softened = found.hazard in CONTRACTING and found.severity is Severity.ERROR and found.migration in contracts
    return replace(found, severity=Severity.WARNING) if found.migration and softened else found


def _scope(found: Finding, allows: Mapping[str, Sequence[Scope]]) -> Scope | None:
    if found.acknowledged is not None or found.verdict is Verdict.REFUTED or found.hazard not in ACKNOWLEDGEABLE:
        return None
    return next((scope for scope in allows.get(found.place.file or "", ()) if scope.covers(found)), None)


def _unplaced(file: str) -> tuple[str, str]:
    if acknowledgements.in_program(file):
        return (
            "the call below it executed no SQL",
            "Put it right above the intended call, or into the SQL itself.",
        )
    return "there is no statement below it", "Put it above the intended statement."


def _key(file: str, scope: Scope) -> tuple[str, int, Hazard]:
    return file, scope.allow.line, scope.allow.hazard


def _unused(
    allows: Mapping[str, Sequence[Scope]], used: Container[tuple[str, int, Hazard]], *, complete: bool
) -> Iterator[Finding]:
    for file, placed in allows.items():
        # above a call of a program it covers all SQL of the call
        for scope in {_key(file, scope): scope for scope in placed}.values():
            hazard = scope.allow.hazard
            if hazard not in ACKNOWLEDGEABLE:
                reason, help = f"`{hazard}` cannot be acknowledged", "Fix the finding and remove the comment."
            elif scope.start is None:
                reason, help = _unplaced(file)
            elif complete and _key(file, scope) not in used:
                reason, help = f"the statement below it has no finding of hazard `{hazard}`", "Remove the comment."
            else:
                continue
            yield UNUSED_ACKNOWLEDGEMENT.finding(
                f"The acknowledgement of `{hazard}` is unused: {reason}.",
                help=help,
                place=Place(file=file, line=scope.allow.line, end_line=scope.allow.line),
            )
