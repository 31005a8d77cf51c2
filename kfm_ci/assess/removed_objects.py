"""What is gone or means something else afterwards, from the catalog's difference."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kfm_ci.assess.case import Case, Step, bare, blocking, parted
from kfm_ci.model import Finding
from kfm_ci.rules.compatibility.column_dropped import COLUMN_DROPPED
from kfm_ci.rules.compatibility.column_renamed import COLUMN_RENAMED
from kfm_ci.rules.compatibility.table_dropped import TABLE_DROPPED
from kfm_ci.rules.compatibility.table_renamed import TABLE_RENAMED
from kfm_ci.rules.compatibility.table_truncated import TABLE_TRUNCATED
from kfm_ci.rules.server.removals import (
    COLUMN_IN_USE_DROPPED,
    COLUMN_TYPE_CHANGED,
    DROPPED_BY_CASCADE,
    MATERIALIZED_VIEW_RENAMED,
    OBJECT_DROPPED,
    TABLE_IN_USE_DROPPED,
    VIEW_RENAMED,
)
from kfm_ci.sql.identifiers import quote

_CLIENTS = frozenset(
    {
        "view",
        "materialized view",
        "function",
        "procedure",
        "aggregate",
        "type",
        "domain",
        "sequence",
        "schema",
        "foreign table",
        "enum",
        "extension",
    }
)
_TAKING = ("DROP", "ALTER", "DO", "CALL", "SELECT")
_RENAME_RULES = {
    "table": TABLE_RENAMED,
    "column": COLUMN_RENAMED,
    "view": VIEW_RENAMED,
    "materialized view": MATERIALIZED_VIEW_RENAMED,
}
_LOSS_RULES = {"table": TABLE_DROPPED, "column": COLUMN_DROPPED}
_IN_USE_RULES = {"table": TABLE_IN_USE_DROPPED, "column": COLUMN_IN_USE_DROPPED}
_RENAMED = {"OBJECT_TABLE": "table", "OBJECT_VIEW": "view", "OBJECT_MATVIEW": "materialized view"}
_SAFE = "First release an application that no longer uses it; then drop it in a migration with `phase: contract`."
_TYPE_ENDS = re.compile(
    r" (?:collate|not null|generated|default|storage|compression|statistics|options|foreign|inherited)\b.*", re.DOTALL
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rename:
    step: Step
    kind: str
    table: str
    """Its last part, quoted as the catalog prints it."""
    old: str
    """Last part, or ``table.column``, quoted as the catalog prints it."""
    new: str
    schema: str
    """As the statement names it, quoted; empty where it leaves that to ``search_path``."""


def judge(case: Case) -> Iterator[Finding]:
    """Yield what is lost, and what applications miss."""
    renames = tuple(_renames(case))
    for rename in renames:
        if not _is_young(case, rename, renames):
            yield case.finding(
                _RENAME_RULES[rename.kind],
                f"renames {rename.kind} {rename.old} to {rename.new}: queries that use the old name fail.",
                step=rename.step,
                help="Add the new name beside the old one (a view, a column kept in step) and drop it later.",
            )
    yield from _removed(case, renames)
    yield from _changed(case)
    for step in case.steps:
        emptied = [lock.relation for lock in blocking(step.seen.locks)] if step.seen.kind == "TRUNCATE TABLE" else []
        if emptied:
            yield case.finding(
                TABLE_TRUNCATED,
                f"removes every row of {', '.join(emptied)}.",
                step=step,
                help="Delete what must go in batches, by a condition.",
            )


def _removed(case: Case, renames: tuple[_Rename, ...]) -> Iterator[Finding]:
    for name in case.schema_diff.removed:
        kind, identity = parted(name)
        if case.is_new(name) or _is_renamed(identity, kind, renames):
            continue
        step, named = _taker(case, identity)
        columns = _gave_values(case, identity) if kind == "sequence" else ()
        if columns and (not named or any(map(case.is_new, columns))):
            continue  # the column that it gave values is told of, or is as new
        through = "" if named else ", through CASCADE or a block of code"
        if kind in _LOSS_RULES:
            yield case.finding(
                _LOSS_RULES[kind], f"drops {kind} {identity} with all it holds{through}.", step=step, help=_SAFE
            )
        if kind in _IN_USE_RULES or kind in _CLIENTS:
            yield case.finding(
                _IN_USE_RULES.get(kind, OBJECT_DROPPED) if named else DROPPED_BY_CASCADE,
                f"removes {kind} {identity}{through}: queries of the running application that use it fail.",
                step=step,
                help=_SAFE,
            )


def _gave_values(case: Case, sequence: str) -> tuple[str, ...]:
    """Return the columns that the migration took from a sequence."""
    own = re.compile(rf"\bnextval\('(?:[^']*\.)?\"?{re.escape(bare(sequence))}\"?'")
    return tuple(change.name for change in case.schema_diff.changed if own.search(change.before))


def _changed(case: Case) -> Iterator[Finding]:
    for change in case.schema_diff.changed:
        if not change.name.startswith("column ") or case.is_new(change.name):
            continue
        identity = change.name.removeprefix("column ")
        step, _ = _taker(case, identity)
        before, after = (_TYPE_ENDS.sub("", text) for text in (change.before, change.after))
        if before != after and not _widens(before, after):
            yield case.finding(
                COLUMN_TYPE_CHANGED,
                f"{identity} becomes {after}, was {before}: applications that hold the old type can fail.",
                step=step,
                help="Add a new column of the new type, change the application over, then drop the old one.",
            )


def _widens(before: str, after: str) -> bool:
    """Whether every value of the old type is one of the new, and drivers give the same kind of value."""
    if re.match(r"character varying", before) and after == "text":
        return True
    old, new = (re.fullmatch(r"(.+?)(?:\((\d+)(?:,(\d+))?\))?", text) for text in (before, after))
    if old is None or new is None or old[1] != new[1] or old[3] != new[3]:
        return before == "integer" and after == "bigint"
    return new[2] is None or (old[2] is not None and int(new[2]) >= int(old[2]))


def _is_renamed(identity: str, kind: str, renames: tuple[_Rename, ...]) -> bool:
    return any(f".{identity}".endswith(f".{item.old}") and item.kind == kind for item in renames)


def _renames(case: Case) -> Iterator[_Rename]:
    for step in case.steps:
        if step.seen.error is not None:
            continue
        for node in step.nodes("RenameStmt"):
            relation = node.one("relation")
            table = quote(relation.text("relname")) if relation is not None else ""
            schema = quote(name) if relation is not None and (name := relation.text("schemaname")) else ""
            if node.choice("rename_type") == "OBJECT_COLUMN" and table:
                old = f"{table}.{quote(node.text('subname'))}"
                yield _Rename(
                    step=step, kind="column", table=table, old=old, new=quote(node.text("newname")), schema=schema
                )
            elif node.choice("rename_type") in _RENAMED and table:
                kind = _RENAMED[node.choice("rename_type")]
                yield _Rename(
                    step=step, kind=kind, table=table, old=table, new=quote(node.text("newname")), schema=schema
                )
        for node in step.nodes("AlterObjectSchemaStmt"):
            relation = node.one("relation")
            if relation is not None:
                table = quote(relation.text("relname"))
                schema = quote(name) if (name := relation.text("schemaname")) else ""
                new = f"{quote(node.text('newschema'))}.{table}"
                yield _Rename(step=step, kind="table", table=table, old=table, new=new, schema=schema)


def _is_young(case: Case, rename: _Rename, renames: tuple[_Rename, ...]) -> bool:
    """Whether what is renamed came with the pull request; of an unqualified name the locks say whose it is."""
    for other in renames:
        if other is not rename and other.kind == "table" and bare(other.new) == bare(rename.table):
            return _is_young(case, other, ())
    rest = rename.old.removeprefix(rename.table)
    older = {lock.relation for lock in rename.step.seen.locks if lock.preexisting}
    young = {parted(name)[1] for name in case.created}
    fitting = [{name for name in names if f".{name}".endswith(f".{rename.table}")} for names in (older, young)]
    names = {f"{rename.schema}.{rename.table}"} if rename.schema else fitting[0] or fitting[1]
    return any(case.is_new(f"{rename.kind} {name}{rest}") for name in names)


def _taker(case: Case, identity: str) -> tuple[Step | None, bool]:
    """Return the statement that took or changed an object, and whether it names it."""
    last = re.escape(bare(identity.partition("(")[0]))
    candidates = [step for step in case.steps if step.seen.kind.startswith(_TAKING) and step.seen.error is None]
    for step in candidates:
        if re.search(rf"(?<![\w$]){last}(?![\w$])", step.text, re.IGNORECASE) and step.seen.kind != "DO":
            return step, True
    fallback = [step for step in candidates if "CASCADE" in step.text.upper()] or candidates
    return (fallback[0] if fallback else None), False
