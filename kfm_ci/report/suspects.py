"""What was suspected on paper, settled by what the server did; without evidence a suspicion stands."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from kfm_ci.evidence.model import StatementEvidence
from kfm_ci.model import Finding, Hazard, Verdict

Seen = Mapping[tuple[str, int], StatementEvidence]
"""Evidence by file and the statement's first line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a suspicion says that the server will do."""

    what: str
    happened: Callable[[StatementEvidence], bool]


def _works(seen: StatementEvidence) -> bool:
    return _old(seen, seen.rewrites) or _old(seen, seen.scans) or bool(seen.index_builds and seen.existed)


def _old(seen: StatementEvidence, names: tuple[str, ...]) -> bool:
    return not frozenset(seen.existed).isdisjoint(names)


def _blocks(seen: StatementEvidence) -> bool:
    return any(lock.preexisting and lock.mode.blocks for lock in (*seen.locks, *seen.held))


REWRITE = Claim(what="rewrite of an older table", happened=lambda seen: _old(seen, seen.rewrites))
SCAN = Claim(what="scan of an older table under a lock", happened=lambda seen: _blocks(seen) and _works(seen))
WORK = Claim(what="work under a lock on an older table", happened=lambda seen: _blocks(seen) and _works(seen))
BUILD = Claim(
    what="index build under a lock on an older table",
    happened=lambda seen: bool(seen.index_builds) and bool(seen.existed) and _blocks(seen),
)
LOCK = Claim(what="lock on an older table that others wait for", happened=_blocks)

CLAIMS: Mapping[str, Claim] = {
    "squawk-adding-field-with-default": REWRITE,
    "squawk-changing-column-type": WORK,
    "squawk-adding-not-nullable-field": SCAN,
    "squawk-constraint-missing-not-valid": SCAN,
    "squawk-adding-foreign-key-constraint": SCAN,
    "squawk-disallowed-unique-constraint": BUILD,
    "squawk-adding-serial-primary-key-field": WORK,
    "squawk-require-concurrent-index-creation": BUILD,
    "squawk-require-concurrent-index-deletion": LOCK,
    "squawk-require-concurrent-reindex": BUILD,
    "squawk-require-concurrent-partition-detach": LOCK,
}
"""By rule; what is not named here is judged by its hazard."""

BY_HAZARD: Mapping[Hazard, Claim] = {
    Hazard.TABLE_REWRITE: REWRITE,
    Hazard.FULL_SCAN: SCAN,
    Hazard.BLOCKS_READS: WORK,
    Hazard.BLOCKS_WRITES: WORK,
}


def by_place(seen: Iterable[tuple[str, StatementEvidence]]) -> dict[tuple[str, int], StatementEvidence]:
    """Return evidence by file and line; statements that share a line share what was seen of any of them."""
    found: dict[tuple[str, int], StatementEvidence] = {}
    for file, item in seen:
        before = found.get((file, item.line))
        found[file, item.line] = item if before is None else _together(before, item)
    return found


def _together(one: StatementEvidence, other: StatementEvidence) -> StatementEvidence:
    watched = _watched(one) and _watched(other)
    return replace(
        one,
        end_line=max(one.end_line, other.end_line),
        locks=(*one.locks, *other.locks),
        held=(*one.held, *other.held),
        rewrites=(*one.rewrites, *other.rewrites),
        scans=(*one.scans, *other.scans),
        index_builds=(*one.index_builds, *other.index_builds),
        existed=(*one.existed, *other.existed),
        error=one.error or other.error,
        wal_bytes=one.wal_bytes if watched else None,
    )


def settle(findings: Iterable[Finding], seen: Seen, *, server: str = "PostgreSQL") -> tuple[Finding, ...]:
    """Return the findings with every suspicion confirmed or refuted that the evidence can decide.

    ``server`` names the server in the message, such as ``PostgreSQL 17``. A confirmed suspicion about a statement
    and hazard of which the server's own finding is there too is left out, so that nothing is said twice.
    """
    everything = tuple(findings)
    facts = {(item.place.file, item.place.line, item.hazard) for item in everything if item.verdict is Verdict.FACT}
    settled = []
    for item in everything:
        result = _settle(item, seen, server) if item.verdict is Verdict.SUSPECTED else item
        evidence = _evidence(result, seen)
        place = (result.place.file, evidence.line if evidence else result.place.line, result.hazard)
        if result.verdict is Verdict.CONFIRMED and place in facts:
            continue
        settled.append(result)
    return tuple(settled)


def _settle(finding: Finding, seen: Seen, server: str) -> Finding:
    # What breaks clients or depends on data is not answered by locks.
    by_hazard = BY_HAZARD.get(finding.hazard)
    claim = CLAIMS.get(finding.rule, by_hazard) if by_hazard else None
    evidence = _evidence(finding, seen)
    if claim is None or evidence is None or evidence.error is not None:
        return finding
    if claim.happened(evidence):
        return replace(finding, verdict=Verdict.CONFIRMED)
    if not _watched(evidence):
        return finding
    source = "squawk" if finding.rule.startswith("squawk-") else "Suspected on paper:"
    verb = "suspected a" if source == "squawk" else "a"
    told = f"{finding.message} ({source} {verb} {claim.what}; {server} did none.)"
    return replace(finding, verdict=Verdict.REFUTED, message=told)


def _watched(evidence: StatementEvidence) -> bool:
    """Whether the observer looked at the statement: only then does seeing nothing mean that nothing was done."""
    return (
        evidence.lock_timeout_ms is not None
        and evidence.wal_bytes is not None
        and bool(evidence.locks or evidence.held)
    )


def _evidence(finding: Finding, seen: Seen) -> StatementEvidence | None:
    if finding.place.file is None or finding.place.line is None:
        return None
    exact = seen.get((finding.place.file, finding.place.line))
    if exact is not None:
        return exact
    around = [
        item
        for (file, _), item in seen.items()
        if file == finding.place.file and item.line <= finding.place.line <= item.end_line
    ]
    return around[0] if len(around) == 1 else None
