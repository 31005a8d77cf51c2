"""Existing objects whose name belongs to another one now, or that clients can no longer use as before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from kfm_ci import phrases
from kfm_ci.assess.case import SHOWN, Case, Step, split_kind
from kfm_ci.assess.removed_objects import find_statement
from kfm_ci.evidence.object_changes import Replaced, ShapeChange
from kfm_ci.model import Finding, Severity
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.server.replacements import (
    COLUMN_REPLACED,
    DEFAULT_DROPPED,
    DEPENDENTS_LOST,
    OBJECT_SHAPE_CHANGED,
    PARTITION_DETACHED,
    SEQUENCE_CHANGED,
    SEQUENCE_SET_BACK,
    TABLE_REPLACED,
    TABLE_UNLOGGED,
)

_CHANGING = ("DROP", "ALTER", "CREATE", "DO", "CALL", "SELECT", "TRUNCATE")
_COPY = "Copy the rows before the old one is dropped or renamed: `INSERT INTO … SELECT … FROM …`."
_FILL = "Fill the new column from the old one before that is dropped or renamed: `UPDATE … SET new = old`."


def check(case: Case) -> Iterator[Finding]:
    """Yield findings on replaced tables and columns, and on objects with another shape."""
    yield from (_replaced(case, item) for item in case.objects.replaced)
    for name in case.objects.unlogged:
        _, identity = split_kind(name)
        yield case.finding(
            TABLE_UNLOGGED,
            f"Table `{identity}` is unlogged now: PostgreSQL empties it after a crash, and replicas do not have it.",
            step=_statement(case, identity),
            help="Keep the table logged; create an unlogged table for rows that may be lost.",
        )
    for child, parent in case.objects.detached:
        name, table = split_kind(child)[1], split_kind(parent)[1]
        yield case.finding(
            PARTITION_DETACHED,
            f"Table `{name}` is no longer part of `{table}`: queries on `{table}` do not see its rows.",
            step=_statement(case, name),
            help="Move the rows to another partition first, or acknowledge that they are no longer used.",
        )
    for name in case.objects.set_back:
        identity = split_kind(name)[1]
        yield case.finding(
            SEQUENCE_SET_BACK,
            f"Sequence `{identity}` returns values again that it returned before: the next `INSERT` fails with 23505 "
            "(`unique_violation`), or rows share a value.",
            step=_statement(case, identity),
            help=f"Set it behind the last row: `SELECT setval('{identity}', max(id)) FROM …`.",
        )
    yield from _shapes(
        case, OBJECT_SHAPE_CHANGED, case.objects.shapes, "queries and calls of the running application fail"
    )
    yield from _shapes(case, SEQUENCE_CHANGED, case.objects.sequences, "inserts that use it can fail")
    for item in case.objects.defaults:
        identity = split_kind(item.name)[1]
        yield case.finding(
            DEFAULT_DROPPED,
            f"Column `{identity}` {item.problem}.",
            step=_statement(case, identity),
            severity=None if item.is_certain else Severity.WARNING,
            help="Release an application that sets the column as the new schema needs it first.",
        )
    yield from _dependents(case)


def _replaced(case: Case, item: Replaced) -> Finding:
    kind, identity = split_kind(item.name)
    what, help = (COLUMN_REPLACED, _FILL) if kind == "column" else (TABLE_REPLACED, _COPY)
    data = "values" if kind == "column" else "rows"
    fate = f"remains as `{split_kind(item.remains_as)[1]}`" if item.remains_as else "is dropped with its data"
    rows = phrases.count(item.rows, "row")
    seen = (
        f"the new one does not have the {data} of {rows}"
        if item.rows
        else f"it had no {data} here, so no copy of them is proven"
    )
    return case.finding(
        what,
        f"The name of {kind} `{identity}` belongs to another {kind} now: the old one {fate}, and {seen}.",
        step=_statement(case, identity),
        help=help,
    )


def _shapes(case: Case, rule: RuleInfo, changes: Iterable[ShapeChange], effect: str) -> Iterator[Finding]:
    """Yield one finding for each object, with all that was changed of it."""
    by_name: dict[str, list[ShapeChange]] = defaultdict(list)
    for item in changes:
        by_name[item.name].append(item)
    for name, found in by_name.items():
        kind, identity = split_kind(name)
        certain = [item for item in found if item.is_certain]
        problems = ", ".join(item.problem for item in (certain or found)[:SHOWN])
        yield case.finding(
            rule,
            f"{kind.capitalize()} `{identity}` {problems}: {effect if certain else 'clients that rely on it fail'}.",
            step=_statement(case, identity.partition("(")[0]),
            severity=None if certain else Severity.WARNING,
            help="Add a new object beside the old one and switch the application over. Then drop the old one.",
        )


def _dependents(case: Case) -> Iterator[Finding]:
    by_name: dict[tuple[str, bool], list[str]] = defaultdict(list)
    for item in case.objects.dependents:
        by_name[item.name, item.is_certain].append(item.problem)
    for (name, is_certain), parts in by_name.items():
        kind, identity = split_kind(name)
        yield case.finding(
            DEPENDENTS_LOST,
            f"The new {kind} `{identity}` lacks what depended on the old one: {phrases.quoted(parts, SHOWN)}.",
            step=_statement(case, identity.partition("(")[0]),
            severity=None if is_certain else Severity.WARNING,
            help="Create and grant again what the old one had, in the same migration.",
        )


def _statement(case: Case, identity: str) -> Step | None:
    """Return the statement that dropped, renamed or changed an object, else one that created another one."""
    dropped = find_statement(case, identity)
    if dropped[1]:
        return dropped[0]
    return find_statement(case, identity, kinds=_CHANGING)[0]
