"""Candidate values of a column: samples of its type, distinct values for a key, only those that its checks accept."""

from __future__ import annotations

from collections.abc import Container, Iterable

from kfm_ci.evidence.seed import check_literals, text_samples, values
from kfm_ci.evidence.seed.model import SeedColumn, SeedTable, Tuple, Value
from kfm_ci.evidence.seed.server_checks import ServerChecks

_TEXT = frozenset({"text", "varchar"})
_KEYED = 3
"""Distinct candidates of a key column for each row."""
_ARRAYS = ("[]", '["a"]', '[1, null, {"b": ""}]')


def find_candidates(
    table: SeedTable,
    column: SeedColumn,
    server: ServerChecks,
    *,
    rows: int,
    restricted: bool,
    extra: Iterable[str] = (),
) -> list[Tuple]:
    """Return the values that a column may have, most useful first; empty when none was found.

    A ``restricted`` column gets no unusual values; ``extra`` are literals of checks on several columns.
    """
    keyed = any(column.name in unique.columns for unique in table.uniques)
    checks = _column_checks(table, column)
    samples = list(_samples(column, rows, keyed=keyed, restricted=restricted))
    literals = [text for check in (*checks, *column.type.conditions) for text in check_literals.find_candidates(check)]
    if column.type.name in {"json", "jsonb"} and checks:
        literals += check_literals.find_documents(checks)
    uncertain = [text for text in (*literals, *extra) if values.is_readable(column.type, text)]
    accepted = _accepted(table, column, server, [*samples, *uncertain], uncertain=bool(uncertain))
    return accepted if column.nullable else [row for row in accepted if row[column.name] is not None]


def _column_checks(table: SeedTable, column: SeedColumn) -> list[str]:
    return [check.expression for check in table.checks if check.columns == {column.name}]


def _accepted(
    table: SeedTable, column: SeedColumn, server: ServerChecks, candidates: list[Value], *, uncertain: bool
) -> list[Tuple]:
    name, type_ = column.name, column.type
    rows: list[Tuple] = [{name: value} for value in dict.fromkeys(candidates)]
    checks = _column_checks(table, column)
    if not uncertain and values.is_always_valid(type_) and not checks:
        return rows
    rows = server.accept(rows, {name: type_.declared}, checks)
    if type_.conditions:
        # the expression of a domain's check calls the value VALUE, which is a column name here
        renamed: list[Tuple] = [{"value": row[name]} for row in rows]
        valid = {row["value"] for row in server.accept(renamed, {"value": type_.declared}, type_.conditions)}
        rows = [row for row in rows if row[name] in valid]
    if type_.sizes and type_.name in {"varchar", "bpchar"}:
        # an explicit cast truncates a text that an assignment rejects as too long
        rows = [row for row in rows if len(row[name] or "") <= type_.sizes[0]]
    return rows


def _samples(column: SeedColumn, rows: int, *, keyed: bool, restricted: bool) -> Iterable[Value]:
    type_ = column.type
    plain = list(_json(column)) or list(values.samples(type_))
    if restricted:
        small = [values.small_distinct_value(type_, number) for number in range(rows * _KEYED)]
        return [*(key for key in small if key is not None), *plain]
    if keyed:
        keys = [values.distinct_value(type_, number) for number in range(rows * _KEYED)]
        found = [key for key in keys if key is not None] or plain
        if type_.name in _TEXT:
            limit = type_.sizes[0] if type_.sizes else None
            unusual = [
                "",
                text_samples.truncate(text_samples.UNICODE, limit),
                "x" * min(limit or text_samples.LONG, text_samples.LONG),
            ]
            found = [*found[:2], *unusual, *found[2:]]
    else:
        found = plain
    return [*found, None] if column.nullable else found


def _json(column: SeedColumn) -> Iterable[str]:
    """Return arrays if the default is an array: an application that stores arrays there stores no objects."""
    array = column.default is not None and column.default.startswith("'[")
    return _ARRAYS if array and column.type.name in {"json", "jsonb"} else ()


def types_of(table: SeedTable, names: Container[str]) -> dict[str, str]:
    """Return the declared types of these columns, in the table's order."""
    return {column.name: column.type.declared for column in table.columns if column.name in names}
