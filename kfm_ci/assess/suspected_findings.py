"""Suspected findings of the static rules, confirmed or refuted by the evidence."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, replace

from kfm_ci.analysis import partitions as partitioned
from kfm_ci.assess.safe_alternatives import partitions
from kfm_ci.evidence.statement_evidence import LockEvidence, StatementEvidence
from kfm_ci.model import Finding, Hazard, Verdict
from kfm_ci.rules.compatibility.column_renamed import COLUMN_RENAMED
from kfm_ci.rules.compatibility.dropped_object_in_use import DROPPED_OBJECT_IN_USE
from kfm_ci.rules.compatibility.table_renamed import TABLE_RENAMED
from kfm_ci.rules.data.schema_and_data_mixed import SCHEMA_AND_DATA_MIXED
from kfm_ci.rules.locks.index_not_concurrent import INDEX_NOT_CONCURRENT
from kfm_ci.rules.parsing.dynamic_sql import DYNAMIC_SQL
from kfm_ci.rules.parsing.statement_not_parsed import STATEMENT_NOT_PARSED
from kfm_ci.rules.server.execution import DANGEROUS_STATEMENT_NOT_RUN
from kfm_ci.rules.server.locks import BACKFILL_UNDER_LOCK
from kfm_ci.rules.server.removals import COLUMN_IN_USE_DROPPED, TABLE_IN_USE_DROPPED
from kfm_ci.rules.squawk.findings import same_matter
from kfm_ci.rules.squawk.rule_map import PREFIX
from kfm_ci.rules.transactions.enum_value_used_in_same_transaction import ENUM_VALUE_USED_IN_SAME_TRANSACTION

EvidenceByLine = Mapping[tuple[str, int], StatementEvidence]
"""Evidence by file and the statement's first line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The effect on the server that a suspected finding predicts."""

    effect: str
    happened: Callable[[StatementEvidence], bool]


def _works(seen: StatementEvidence) -> bool:
    effects = seen.effects
    return (
        _old(seen, effects.rewrites) or _old(seen, effects.scans) or bool(effects.index_builds and effects.preexisting)
    )


def _old(seen: StatementEvidence, names: tuple[str, ...]) -> bool:
    return not frozenset(seen.effects.preexisting).isdisjoint(names)


def _blocks(seen: StatementEvidence) -> bool:
    return any(lock.preexisting and lock.mode.blocks for lock in seen.locks.all)


REWRITE = Claim(effect="a rewrite of an existing table", happened=lambda seen: _old(seen, seen.effects.rewrites))
SCAN = Claim(
    effect="a scan of an existing table under a blocking lock", happened=lambda seen: _blocks(seen) and _works(seen)
)
WORK = Claim(
    effect="work under a blocking lock on an existing table", happened=lambda seen: _blocks(seen) and _works(seen)
)
BUILD = Claim(
    effect="an index build under a blocking lock on an existing table",
    happened=lambda seen: bool(seen.effects.index_builds) and bool(seen.effects.preexisting) and _blocks(seen),
)
LOCK = Claim(effect="a blocking lock on an existing table", happened=_blocks)
ERROR = Claim(effect="an error", happened=lambda _: False)
"""A failed statement is not decided here: its error is reported already."""

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
    "squawk-ban-concurrent-index-creation-in-transaction": ERROR,
    "squawk-ban-uncommitted-transaction": ERROR,
    "squawk-transaction-nesting": ERROR,
}
"""By rule; other rules are decided by their hazard."""

CATALOG = frozenset(
    f"squawk-{name}"
    for name in (
        "ban-drop-column",
        "ban-drop-table",
        "ban-drop-schema",
        "ban-drop-view",
        "ban-drop-function",
        "ban-drop-sequence",
        "ban-drop-type",
        "ban-drop-domain",
        "ban-drop-extension",
        "renaming-column",
        "renaming-table",
        "ban-set-schema",
    )
)
"""Rules on dropped objects: decided by the catalogs before and after, which include recreated objects."""

REMOVALS = frozenset({Hazard.DATA_LOSS, Hazard.BREAKS_CLIENTS})

INDEXES = frozenset({INDEX_NOT_CONCURRENT.id, "squawk-require-concurrent-index-creation"})
"""Suspected findings with another fix for a partitioned table."""

RUN = frozenset({STATEMENT_NOT_PARSED.id, DYNAMIC_SQL.id, ENUM_VALUE_USED_IN_SAME_TRANSACTION.id})
"""Suspected findings that are obsolete once the server has run the statement: its effects or its error are facts."""

SUPERSEDED: Mapping[str, str] = {
    DYNAMIC_SQL.id: DANGEROUS_STATEMENT_NOT_RUN.id,
    SCHEMA_AND_DATA_MIXED.id: BACKFILL_UNDER_LOCK.id,
    **dict.fromkeys(
        (COLUMN_IN_USE_DROPPED.id, TABLE_IN_USE_DROPPED.id, COLUMN_RENAMED.id, TABLE_RENAMED.id),
        DROPPED_OBJECT_IN_USE.id,
    ),
}
"""Findings, by the more precise finding on the same statement that replaces them."""

BY_HAZARD: Mapping[Hazard, Claim] = {
    Hazard.TABLE_REWRITE: REWRITE,
    Hazard.FULL_SCAN: SCAN,
    Hazard.BLOCKS_READS: WORK,
    Hazard.BLOCKS_WRITES: WORK,
}


def by_place(seen: Iterable[tuple[str, StatementEvidence]]) -> dict[tuple[str, int], StatementEvidence]:
    """Return evidence by file and line; statements on one line share their evidence."""
    found: dict[tuple[str, int], StatementEvidence] = {}
    for file, item in seen:
        before = found.get((file, item.line))
        found[file, item.line] = item if before is None else _merge(before, item)
    return found


def _merge(one: StatementEvidence, other: StatementEvidence) -> StatementEvidence:
    effects = one.effects.merged(other.effects)
    if not (_is_observed(one) and _is_observed(other)):
        effects = replace(effects, wal_bytes=None)
    return replace(
        one,
        end_line=max(one.end_line, other.end_line),
        locks=LockEvidence(taken=(*one.locks.taken, *other.locks.taken), held=(*one.locks.held, *other.locks.held)),
        effects=effects,
        error=one.error or other.error,
    )


def settle(
    findings: Iterable[Finding],
    seen: EvidenceByLine,
    *,
    applied: Container[str] = (),
    unexecuted: Container[tuple[str, int]] = (),
    server: str = "PostgreSQL",
    outside: str = "outside a transaction",
) -> tuple[Finding, ...]:
    """Return the findings with each suspected one confirmed or refuted, if the evidence decides it.

    ``applied`` holds the ids of the migrations that were applied; ``unexecuted`` the files and lines of statements
    inside blocks that did not run, where nothing is refuted; ``server`` names the server in the message, such as
    ``PostgreSQL 17``; ``outside`` names where the tool's files run outside a transaction. A squawk finding, and a
    confirmed one, is left out if kfm-ci reports the same matter for the same statement as a fact.
    """
    everything = tuple(findings)
    facts = [item for item in everything if item.verdict is Verdict.FACT and not _is_squawk(item)]
    settled = []
    for item in everything:
        result: Finding | None = item
        if item.verdict is Verdict.SUSPECTED and (item.place.file, item.place.line) in unexecuted:
            result = replace(item, message=f"{item.message} The statement did not run here.")
        elif item.verdict is Verdict.SUSPECTED:
            result = _settle(item, seen, applied, server, outside)
        if result is None:
            continue
        may_repeat = (
            _is_squawk(item)
            or result.verdict is Verdict.CONFIRMED
            or (result.verdict is not Verdict.FACT and _predicts_drop(item))
        )
        better = SUPERSEDED.get(item.rule)
        if better is not None and any(fact.rule == better and _repeats(item, fact, seen) for fact in facts):
            continue
        if not (may_repeat and any(_repeats(result, fact, seen) for fact in facts)):
            settled.append(result)
    return tuple(settled)


def _predicts_drop(item: Finding) -> bool:
    """Whether it predicts a dropped object, which the catalogs before and after decide."""
    if item.rule in CATALOG:
        return True
    return item.verdict is Verdict.SUSPECTED and item.hazard in REMOVALS and not _is_squawk(item)


def _repeats(item: Finding, fact: Finding, seen: EvidenceByLine) -> bool:
    if item.verdict is Verdict.REFUTED and item.hazard in REMOVALS:
        # an object was dropped, perhaps by a later statement: the finding from the catalogs is more precise
        return item.migration == fact.migration and fact.hazard in {Hazard.DATA_LOSS, Hazard.BREAKS_CLIENTS}
    if item.verdict is Verdict.REFUTED or item.place.file != fact.place.file:
        return False
    evidence = _evidence(item, seen)
    if evidence is not None:
        item = replace(item, place=replace(item.place, line=evidence.line, end_line=evidence.end_line))
    return same_matter(item, fact)


def _is_squawk(item: Finding) -> bool:
    return item.rule.startswith(PREFIX)


def _settle(
    finding: Finding, seen: EvidenceByLine, applied: Container[str], server: str, outside: str
) -> Finding | None:
    """Return the suspected finding as the evidence decides it; None where the server's error replaces it."""
    source = "squawk" if _is_squawk(finding) else "static analysis"
    if _predicts_drop(finding):
        if finding.migration not in applied:
            return finding
        return _refuted(
            finding,
            f"Suspected by {source}; afterwards {server}'s catalog has every object that existed before.",
        )
    # locks do not decide whether clients break or rows fail
    by_hazard = BY_HAZARD.get(finding.hazard)
    claim = CLAIMS.get(finding.rule, by_hazard) if by_hazard or finding.hazard is Hazard.TRANSACTION else None
    evidence = _evidence(finding, seen)
    if evidence is not None and finding.rule in RUN:
        observed = _refuted(finding, f"{server} ran it, and its effects were observed.")
        return observed if evidence.error is None else None
    if claim is None or evidence is None or evidence.error is not None:
        return finding
    if claim.happened(evidence):
        # static analysis does not know the partitions of a table
        found = partitions(evidence) if finding.rule in INDEXES else ()
        help = partitioned.index(None, found, outside=outside) if found else finding.help
        return replace(finding, verdict=Verdict.CONFIRMED, help=help)
    if not _is_observed(evidence):
        return finding
    return _refuted(finding, f"Suspected by {source}; {server} ran it without {claim.effect}.")


def _refuted(finding: Finding, reason: str) -> Finding:
    return replace(finding, verdict=Verdict.REFUTED, message=f"{finding.message} ({reason})")


def _is_observed(evidence: StatementEvidence) -> bool:
    """Whether the statement was observed: only then does the absence of evidence refute a finding."""
    return evidence.timeouts.lock_ms is not None and evidence.effects.wal_bytes is not None and bool(evidence.locks.all)


def _evidence(finding: Finding, seen: EvidenceByLine) -> StatementEvidence | None:
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
