"""Rows of existing tables that a migration deletes or overwrites, and tables without rows, where nothing is proven."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator

from kfm_ci import phrases
from kfm_ci.assess.case import SHOWN, Case, Step, unqualified
from kfm_ci.assess.unproven_rows import may_lose_rows, unproven_tables
from kfm_ci.evidence.row_evidence import ColumnDifference, RowDifference
from kfm_ci.evidence.statement_evidence import LockMode
from kfm_ci.model import Finding, Hazard, Severity, Verdict
from kfm_ci.rules.server.execution import DATA_DEPENDENT_FAILURE
from kfm_ci.rules.server.rows import ROWS_BACKFILLED, ROWS_DELETED, ROWS_NOT_PROVEN, VALUES_OVERWRITTEN
from kfm_ci.sql.parse_tree import Node

_OWN = frozenset({ROWS_DELETED.id, VALUES_OVERWRITTEN.id, ROWS_BACKFILLED.id, ROWS_NOT_PROVEN.id})
_STAMPS = frozenset({"timestamp", "timestamptz", "date", "time", "timetz", "tsvector"})
"""Types of columns that triggers keep up to date: the time of the last change, the text that is searched."""
_WRITES = ("InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt")
_WRITING = frozenset({LockMode.ROW_EXCLUSIVE, LockMode.EXCLUSIVE, LockMode.ACCESS_EXCLUSIVE})


def check(case: Case) -> Iterator[Finding]:
    """Yield findings on the rows that existed before the pull request."""
    for difference in case.rows.differences:
        yield from _check_deleted(case, difference)
        yield from _check_overwritten(case, difference)
    yield from _check_unproven(case)


def without_repeats(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings without those on rows that another one reports for the same statement and table."""
    everything = tuple(findings)
    others = [
        item for item in everything if item.rule not in _OWN and item.verdict in {Verdict.FACT, Verdict.CONFIRMED}
    ]
    return tuple(
        item for item in everything if item.rule not in _OWN or not any(_reports_same(item, other) for other in others)
    )


def _reports_same(item: Finding, other: Finding) -> bool:
    is_same_hazard = item.hazard is other.hazard and item.hazard in {Hazard.DATA_LOSS, Hazard.BACKFILL}
    # a statement that fails on synthetic rows meets none of them in the next attempt
    fails_on_rows = item.rule == ROWS_NOT_PROVEN.id and other.rule == DATA_DEPENDENT_FAILURE.id
    if (
        not (is_same_hazard or fails_on_rows)
        or item.place.file != other.place.file
        or not item.place.line
        or not other.place.line
    ):
        return False
    if item.place.line > (other.place.end_line or other.place.line) or other.place.line > (
        item.place.end_line or item.place.line
    ):
        return False
    if fails_on_rows:
        return True
    named = _names_in(other.message)
    return bool(_names_in(item.message)[:1]) and _names_in(item.message)[0] in {
        part for name in named for part in (name, name.partition(".")[0])
    }


def _names_in(message: str) -> list[str]:
    """Return the names in backticks without their schema: ``orders`` of ``public.orders``, ``orders.total``."""
    found = [name for name in re.findall(r"`([^`]*)`", message) if not name.isupper()]
    return [re.sub(r'^(?:"[^"]*"|[^".]+)\.(?=.)', "", name).strip('"') if "." in name else name for name in found]


def _check_deleted(case: Case, difference: RowDifference) -> Iterator[Finding]:
    if not difference.gone:
        return
    every = difference.gone == difference.rows
    number = f"all {difference.rows}" if every else f"{difference.gone} of {difference.rows}"
    what = f"{number} existing rows of `{difference.table}` with {phrases.quoted(difference.columns, SHOWN)}"
    steps = _steps(case, difference, _may_delete)
    for step in steps:
        yield case.finding(
            ROWS_DELETED,
            _sentence(step, len(steps), "removes", what),
            step=step,
            help="Write `-- kfm:allow data-loss reason=…` above the statement if no release needs the rows.",
        )


def _sentence(step: Step, number: int, verb: str, what: str) -> str:
    """Return what a statement does to rows; ``number`` of statements may have done it."""
    if number == 1:
        return f"`{step.seen.kind}` {verb} {what}."
    return f"The migration {verb} {what}, and `{step.seen.kind}` is one of {number} statements that may do so."


def _check_overwritten(case: Case, difference: RowDifference) -> Iterator[Finding]:
    lost = [column for column in difference.overwritten if not _is_stamp(case, difference, column)]
    changed = [*lost, *difference.filled]
    if not changed:
        return
    kind = "existing values" if lost else "NULLs"
    what = f"{kind} of `{difference.table}`: {_columns(lost or changed)}"
    names = {column.name for column in lost or changed}
    steps = _steps(case, difference, lambda step, own: _may_set(step, own, names))
    if lost and not case.rows_restored:
        for step in steps:
            yield case.finding(
                VALUES_OVERWRITTEN,
                _sentence(step, len(steps), "overwrites", what),
                step=step,
                help="Write the new values to a new column, or restore the old ones in the down migration.",
            )
        return
    severity, size = case.scaled(Hazard.BACKFILL, frozenset({difference.table}))
    is_known = case.largest(frozenset({difference.table})) is not None
    verb, kept = ("overwrites", ", which the rollback restores") if lost else ("fills", "")
    for step in steps[:1]:
        yield case.finding(
            ROWS_BACKFILLED,
            f"{_sentence(step, len(steps), verb, what).removesuffix('.')}{kept}. {size}",
            step=step,
            severity=severity if is_known else Severity.NOTE,
        )


def _columns(columns: Iterable[ColumnDifference]) -> str:
    return phrases.listed([f"`{item.name}` in {phrases.count(item.rows, 'row')}" for item in columns], SHOWN)


def _is_stamp(case: Case, difference: RowDifference, column: ColumnDifference) -> bool:
    """Whether a trigger of the base keeps the column up to date whenever a row is updated."""
    if not difference.has_update_trigger or column.type_name not in _STAMPS:
        return False
    direct = [step for step in case.steps if _changes(step, difference.names)]
    targets = {unqualified(name) for name in difference.names}
    return bool(direct) and all(
        any(node.text("relname") in targets for write in step.nodes(*_WRITES) for node in _target(write))
        and column.name not in _set_columns(step)
        for step in direct
    )


def _target(write: Node) -> Iterator[Node]:
    relation = write.one("relation")
    if relation is not None:
        yield relation


def _set_columns(step: Step) -> frozenset[str]:
    return frozenset(
        target.text("name")
        for write in step.nodes(*_WRITES, "OnConflictClause", "MergeWhenClause")
        for target in write.many("target_list")
    )


def _changes(step: Step, names: Collection[str]) -> int:
    return sum(count for name, count in step.seen.effects.changes if name in names)


def _steps(case: Case, difference: RowDifference, suits: Callable[[Step, Collection[str]], bool]) -> tuple[Step, ...]:
    """Return the statements that may have done it; at least one, so that the finding has a place."""
    names = difference.names
    active = [step for step in case.steps if step.seen.error is None]
    # a statement that replaces storage or a partition changes no row one by one
    direct = [step for step in active if _changes(step, names) or _replaces(step, names)]
    locking = [
        step
        for step in active
        if any(lock.relation in names and lock.mode in _WRITING for lock in step.seen.locks.taken)
    ]
    chosen = [step for step in direct if suits(step, names)] or direct or locking or active[-1:]
    return tuple({(step.seen.line, step.seen.end_line): step for step in chosen}.values())


def _replaces(step: Step, names: Collection[str]) -> bool:
    locked = any(
        lock.relation in names and lock.mode is LockMode.ACCESS_EXCLUSIVE
        for lock in (*step.seen.locks.taken, *step.seen.locks.held)
    )
    return locked and may_lose_rows(step, names, frozenset())


def _may_delete(step: Step, names: Collection[str]) -> bool:
    """Whether a statement may delete rows of a table: all but plain updates and insertions of it."""
    return not _is_plain(step, names, "UpdateStmt") and not _is_plain(step, names, "InsertStmt")


def _may_set(step: Step, names: Collection[str], columns: Collection[str]) -> bool:
    return not _is_plain(step, names, "UpdateStmt") or not _set_columns(step).isdisjoint(columns)


def _is_plain(step: Step, names: Collection[str], tag: str) -> bool:
    """Whether the statement is one such command on the table and contains no other."""
    writes = list(step.nodes(*_WRITES))
    return (
        len(step.trees) == 1
        and len(writes) == 1
        and writes[0].tag == tag
        and any(node.text("relname") in {unqualified(name) for name in names} for node in _target(writes[0]))
    )


def _check_unproven(case: Case) -> Iterator[Finding]:
    reasons = dict(case.rows.unproven)
    locked = unproven_tables((step.seen for step in case.steps), reasons)
    reported: set[str] = set()
    new = frozenset(name.removeprefix("column ") for name in (*case.created, *case.schema_diff.added))
    for step in case.steps:
        own = [name for name in unproven_tables([step.seen], reasons) if may_lose_rows(step, {name}, new)]
        if step.seen.error is not None or not own:
            continue
        reported.update(own)
        for name in own:
            yield case.finding(
                ROWS_NOT_PROVEN,
                f"`{step.seen.kind}` may remove or change rows of `{name}`, and nothing is proven for them: "
                f"{reasons[name]}.",
                step=step,
                hazard=Hazard.DATA_LOSS,
                severity=Severity.ERROR,
                help="Add a few rows in a migration of the base, or write `-- kfm:allow data-loss reason=…` above "
                "the statement.",
            )
    rest = [name for name in locked if name not in reported]
    if rest:
        shown = phrases.listed([f"`{name}` ({reasons[name]})" for name in rest], SHOWN)
        yield case.finding(
            ROWS_NOT_PROVEN,
            f"Migration and rollback are not proven for rows of {shown}.",
            step=None,
            severity=Severity.WARNING,
            help="Add a few rows in a migration of the base, or review the rollback by hand.",
        )
