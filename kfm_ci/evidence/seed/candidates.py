"""What each column may hold: values of its type, keys where they must differ, all that its conditions accept."""

from __future__ import annotations

from collections.abc import Container, Iterable

from kfm_ci.evidence.seed import check_literals, text_samples, values
from kfm_ci.evidence.seed.model import SeedColumn, SeedTable, Tuple, Value
from kfm_ci.evidence.seed.server_checks import ServerChecks

_TEXT = frozenset({"text", "varchar"})
_KEYED = 3
"""Keys thought up for each row that is wanted."""
_ARRAYS = ("[]", '["a"]', '[1, null, {"b": ""}]')


def pool(
    table: SeedTable, column: SeedColumn, oracle: ServerChecks, *, rows: int, tame: bool, extra: Iterable[str] = ()
) -> list[Tuple]:
    """Return what a column may hold, in order of weight; empty when nothing was found.

    ``tame`` asks for values that nothing is likely to trip over; ``extra`` are candidates from conditions on several
    columns.
    """
    keyed = any(column.name in unique.columns for unique in table.uniques)
    alone = [check.expression for check in table.checks if check.columns == {column.name}]
    candidates = list(_values(column, rows, keyed=keyed, tame=tame))
    spoken = [text for condition in (*alone, *column.type.conditions) for text in check_literals.candidates(condition)]
    more = [text for text in (*spoken, *extra) if values.readable(column.type, text)]
    found = _accepted(table, column, oracle, [*candidates, *more], doubtful=bool(more))
    return found if column.nullable else [row for row in found if row[column.name] is not None]


def _accepted(
    table: SeedTable, column: SeedColumn, oracle: ServerChecks, candidates: list[Value], *, doubtful: bool
) -> list[Tuple]:
    name, type_ = column.name, column.type
    offered: list[Tuple] = [{name: value} for value in dict.fromkeys(candidates)]
    if not doubtful and values.known(type_) and not any(check.columns == {name} for check in table.checks):
        return offered
    alone = [check.expression for check in table.checks if check.columns == {name}]
    found = oracle.accepted(offered, {name: type_.declared}, alone)
    if type_.conditions:
        # The server prints a domain's condition over a column of this name.
        renamed: list[Tuple] = [{"value": row[name]} for row in found]
        kept = {row["value"] for row in oracle.accepted(renamed, {"value": type_.declared}, type_.conditions)}
        found = [row for row in found if row[name] in kept]
    if type_.sizes and type_.name in {"varchar", "bpchar"}:
        # An explicit cast cuts what an assignment refuses.
        found = [row for row in found if len(row[name] or "") <= type_.sizes[0]]
    return found


def _values(column: SeedColumn, rows: int, *, keyed: bool, tame: bool) -> Iterable[Value]:
    type_ = column.type
    plain = list(_json(column)) or list(values.of(type_))
    if tame:
        keys = [values.modest(type_, number) for number in range(rows * _KEYED)]
        return [*(key for key in keys if key is not None), *plain]
    if keyed:
        keys = [values.key(type_, number) for number in range(rows * _KEYED)]
        found = [key for key in keys if key is not None] or plain
        if type_.name in _TEXT:
            limit = type_.sizes[0] if type_.sizes else None
            rare = [
                "",
                text_samples.fitted(text_samples.UNICODE, limit),
                "x" * min(limit or text_samples.LONG, text_samples.LONG),
            ]
            found = [*found[:2], *rare, *found[2:]]
    else:
        found = plain
    return [*found, None] if column.nullable else found


def _json(column: SeedColumn) -> Iterable[str]:
    """Return documents of the shape that the default shows: an application that keeps arrays keeps no objects."""
    array = column.default is not None and column.default.startswith("'[")
    return _ARRAYS if array and column.type.name in {"json", "jsonb"} else ()


def types_of(table: SeedTable, names: Container[str]) -> dict[str, str]:
    """Return how the types of these columns are written, in the table's order."""
    return {column.name: column.type.declared for column in table.columns if column.name in names}
