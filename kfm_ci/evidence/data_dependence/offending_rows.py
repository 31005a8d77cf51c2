"""The rows that an error of PostgreSQL names: one function for each SQLSTATE, None when it names no rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from psycopg import Connection

from kfm_ci.evidence.data_dependence import catalog
from kfm_ci.evidence.data_dependence.casts import find_cast_rows
from kfm_ci.evidence.data_dependence.model import Failure, OffendingRows
from kfm_ci.sql import identifiers
from kfm_ci.sql.deparse import expression
from kfm_ci.sql.identifiers import dotted, quote
from kfm_ci.sql.parse_tree import Node

_FIX = "Fix those rows in an earlier migration"
_DEDUPLICATE = "Remove or merge the duplicates in an earlier migration, and prevent new ones in the application"


def find_offending_rows(failure: Failure, before: Connection[Any], after: Connection[Any]) -> OffendingRows:
    """Return the rows on which a statement fails; ``before`` has the rows, ``after`` the schema after the migration."""
    finder = _BY_SQLSTATE.get(failure.sqlstate)
    rows = finder(failure, before, after) if finder is not None else None
    if rows is None and failure.sqlstate.startswith("22"):
        rows = find_cast_rows(failure, before)
    return rows or _changed_rows(failure, before) or _any_rows(failure, before)


def _null(failure: Failure, before: Connection[Any], after: Connection[Any]) -> OffendingRows | None:
    table, column = _table(failure, before), failure.error.diag.column_name
    if (
        table is None
        or column is None
        or failure.tree is None
        or failure.tree.tag not in {"AlterTableStmt", "IndexStmt"}
    ):
        return None
    name = quote(column)
    if column not in catalog.columns(before, table):
        return OffendingRows(
            shape=f"have no value for the new column {name}",
            table=table,
            condition="true",
            remedy=f"Add {name} with a default; or add it nullable, fill it in batches, and set NOT NULL in a "
            "later migration",
        )
    return OffendingRows(
        shape=f"have NULL in {name}",
        table=table,
        columns=(column,),
        condition=f"{name} is null",
        remedy=f"Fill them in batches first: `update {table} set {name} = … where {name} is null;`",
    )


def _duplicate(failure: Failure, before: Connection[Any], after: Connection[Any]) -> OffendingRows | None:
    diag = failure.error.diag
    table = _table(failure, before)
    if table is None or not (diag.message_primary or "").startswith("could not create unique index"):
        return None
    found = catalog.index(after, diag.schema_name or "", diag.table_name or "", diag.constraint_name or "")
    if found is None:
        name = quote(diag.constraint_name or "…")
        return OffendingRows(shape=f"are equal under unique index {name}", table=table, remedy=_DEDUPLICATE)
    parts = ", ".join(found.parts)
    where = " and ".join(
        [*([f"({found.predicate})"] if found.predicate else []), *(f"{part} is not null" for part in found.parts)]
    )
    groups = f"select {parts} from {table} where {where} group by {parts} having count(*) > 1"
    return OffendingRows(
        shape=f"share their {parts} with another row",
        table=table,
        columns=found.columns,
        condition=f"{where} and ({parts}) in ({groups})",
        query=f"select {parts}, count(*) from {table} where {where} group by {parts} having count(*) > 1;",
        remedy=_DEDUPLICATE,
    )


def _check(failure: Failure, before: Connection[Any], after: Connection[Any]) -> OffendingRows | None:
    diag = failure.error.diag
    table, name = _table(failure, before), diag.constraint_name
    if table is None or name is None or failure.tree is None or failure.tree.tag != "AlterTableStmt":
        return None
    found = catalog.constraint(after, diag.schema_name or "", diag.table_name or "", name)
    written = _check_expression(failure.tree, name)
    # pg_get_expr prints the outer parentheses of a check expression
    condition = f"not {found.expression}" if found and found.expression else f"not ({written})" if written else None
    return OffendingRows(
        shape=f"violate check constraint {quote(name)}",
        table=table,
        columns=found.columns if found else (),
        condition=condition,
        remedy=f"{_FIX}; or add the constraint `not valid` now, fix the rows, and "
        f"`validate constraint {quote(name)}` later",
    )


def _orphan(failure: Failure, before: Connection[Any], after: Connection[Any]) -> OffendingRows | None:
    diag = failure.error.diag
    table, name = _table(failure, before), diag.constraint_name
    if table is None or name is None or failure.tree is None or failure.tree.tag != "AlterTableStmt":
        return None
    found = catalog.constraint(after, diag.schema_name or "", diag.table_name or "", name)
    if found is None or found.target is None:
        return OffendingRows(shape=f"refer to rows that do not exist ({quote(name)})", table=table, remedy=_FIX)
    own = ", ".join(map(quote, found.columns))
    pairs = " and ".join(
        f"p.{quote(key)} = c.{quote(column)}" for column, key in zip(found.columns, found.keys, strict=True)
    )
    given = " and ".join(f"c.{quote(column)} is not null" for column in found.columns)
    orphans = f"{given} and not exists (select from {found.target} p where {pairs})"
    return OffendingRows(
        shape=f"refer by {own} to no row of {found.target}",
        table=table,
        columns=found.columns,
        condition=orphans,
        remedy=f"{_FIX}; or add the foreign key `not valid` now, fix the rows, and "
        f"`validate constraint {quote(name)}` later",
    )


def _excluded(failure: Failure, before: Connection[Any], after: Connection[Any]) -> OffendingRows | None:
    diag = failure.error.diag
    table, name = _table(failure, before), diag.constraint_name
    if table is None or name is None:
        return None
    place = (diag.schema_name or "", diag.table_name or "", name)
    found, operators = catalog.index(after, *place), catalog.operators(after, *place)
    shape = f"conflict under exclusion constraint {quote(name)}"
    remedy = f"{_FIX}: an exclusion constraint has no `not valid`, and adding it blocks writes"
    if found is None or len(operators) != len(found.parts):
        return OffendingRows(shape=shape, table=table, remedy=remedy)
    parts = ", ".join(f"{part} as part_{number}" for number, part in enumerate(found.parts))
    where = f" where {found.predicate}" if found.predicate else ""
    pairs = " and ".join(f"a.part_{number} {word} b.part_{number}" for number, word in enumerate(operators))
    rows = f"with r as (select tableoid as t, ctid as p, {parts} from {table}{where})"
    return OffendingRows(
        shape=shape,
        table=table,
        columns=found.columns,
        remedy=remedy,
        condition=f"(c.tableoid, c.ctid) in ({rows} select a.t, a.p from r a join r b on (a.t, a.p) <> (b.t, b.p) "
        f"and {pairs})",
        query=f"{rows} select count(*) from r a join r b on (a.t, a.p) < (b.t, b.p) and {pairs};",
    )


def _divided(failure: Failure, before: Connection[Any], after: Connection[Any]) -> OffendingRows | None:
    changed = _changed_rows(failure, before)
    if changed is None or failure.tree is None:
        return None
    found = list(_divisions(failure.tree))
    divisors = [expression(node) for node in found]
    if not divisors:
        return changed
    columns = {fields[-1] for node in found for item in node.find("ColumnRef") if (fields := item.strings("fields"))}
    zero = " or ".join(f"({divisor}) = 0" for divisor in dict.fromkeys(divisors))
    return OffendingRows(
        shape=f"have 0 in {', '.join(dict.fromkeys(divisors))}",
        table=changed.table,
        condition=zero,
        columns=tuple(sorted(columns)),
        remedy=f"Guard the division: `nullif({divisors[0]}, 0)`",
    )


def _divisions(tree: Node) -> Iterator[Node]:
    for node in tree.find("A_Expr"):
        divisor = node.one("rexpr")
        if divisor is not None and set(node.strings("name")) & {"/", "%"} and any(divisor.find("ColumnRef")):
            yield divisor


def _changed_rows(failure: Failure, before: Connection[Any]) -> OffendingRows | None:
    """Return the rows of the table that a data change writes, without a condition; None for other statements."""
    tree = failure.tree
    relation = (
        tree.one("relation") if tree is not None and tree.tag in {"UpdateStmt", "DeleteStmt", "InsertStmt"} else None
    )
    found = catalog.resolve(before, identifiers.relation(relation)) if relation is not None else None
    if found is None:
        return None
    verb = {"UpdateStmt": "updated", "DeleteStmt": "deleted"}.get(tree.tag if tree else "", "inserted")
    return OffendingRows(
        shape=f"cannot be {verb} this way",
        table=found[2],
        remedy="Handle such rows: `coalesce`, `nullif`, `on conflict`, or a `where` that excludes them",
    )


def _any_rows(failure: Failure, before: Connection[Any]) -> OffendingRows:
    return OffendingRows(
        shape="", table=_table(failure, before), remedy="Make the statement work for all rows that the schema allows"
    )


def _table(failure: Failure, before: Connection[Any]) -> str | None:
    diag = failure.error.diag
    if diag.table_name:
        return dotted(diag.schema_name or "", diag.table_name)
    relation = failure.tree.one("relation") if failure.tree is not None else None
    found = catalog.resolve(before, identifiers.relation(relation)) if relation is not None else None
    return None if found is None else found[2]


def _check_expression(tree: Node, name: str) -> str | None:
    for node in tree.find("Constraint"):
        raw = node.one("raw_expr")
        if raw is not None and node.text("conname") == name:
            return expression(raw)
    return None


_BY_SQLSTATE: Mapping[str, Callable[[Failure, Connection[Any], Connection[Any]], OffendingRows | None]] = {
    "23502": _null,
    "23503": _orphan,
    "23505": _duplicate,
    "23514": _check,
    "23P01": _excluded,
    "22012": _divided,
}
