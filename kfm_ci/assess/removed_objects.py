"""Dropped, renamed and changed objects, from the difference of the catalogs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kfm_ci import phrases
from kfm_ci.assess.case import SHOWN, Case, Step, blocking, split_kind, unqualified
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
_DROPPING = ("DROP", "ALTER", "DO", "CALL", "SELECT")
_RENAME_RULES = {
    "table": TABLE_RENAMED,
    "column": COLUMN_RENAMED,
    "view": VIEW_RENAMED,
    "materialized view": MATERIALIZED_VIEW_RENAMED,
}
_LOSS_RULES = {"table": TABLE_DROPPED, "column": COLUMN_DROPPED}
_IN_USE_RULES = {"table": TABLE_IN_USE_DROPPED, "column": COLUMN_IN_USE_DROPPED}
_RENAMED = {"OBJECT_TABLE": "table", "OBJECT_VIEW": "view", "OBJECT_MATVIEW": "materialized view"}
_SAFE = "Release an application that no longer uses it first; then drop it in a migration with `phase: contract`."
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


def check(case: Case) -> Iterator[Finding]:
    """Yield findings on dropped data, and on dropped, renamed and changed objects that applications may use."""
    renames = tuple(_renames(case))
    for rename in renames:
        if not _is_new(case, rename, renames):
            yield case.finding(
                _RENAME_RULES[rename.kind],
                f"`{rename.step.seen.kind}` renames {rename.kind} `{rename.old}` to `{rename.new}`: queries with the "
                "old name fail.",
                step=rename.step,
                help="Add the new name beside the old one (a view, or a column kept in sync by a trigger). Drop the "
                "old name in a later migration.",
            )
    yield from _check_removed(case, renames)
    yield from _check_changed(case)
    for step in case.steps:
        emptied = (
            [lock.relation for lock in blocking(step.seen.locks.taken)] if step.seen.kind == "TRUNCATE TABLE" else []
        )
        if emptied:
            yield case.finding(
                TABLE_TRUNCATED,
                f"`TRUNCATE` removes every row of {phrases.quoted(emptied, SHOWN)}.",
                step=step,
                help="Delete rows by a condition, in batches.",
            )


def _check_removed(case: Case, renames: tuple[_Rename, ...]) -> Iterator[Finding]:
    for name in case.schema_diff.removed:
        kind, identity = split_kind(name)
        if case.is_new(name) or _is_renamed(identity, kind, renames):
            continue
        step, is_named = _find_statement(case, identity)
        columns = _default_users(case, identity) if kind == "sequence" else ()
        if columns and (not is_named or any(map(case.is_new, columns))):
            continue  # the column that used the sequence is reported, or is new too
        through = "" if is_named else ", through CASCADE, a DO block or a function"
        if kind in _LOSS_RULES:
            yield case.finding(
                _LOSS_RULES[kind],
                f"The migration drops {kind} `{identity}` and its data{through}.",
                step=step,
                help=_SAFE,
            )
        if kind in _IN_USE_RULES or kind in _CLIENTS:
            yield case.finding(
                _IN_USE_RULES.get(kind, OBJECT_DROPPED) if is_named else DROPPED_BY_CASCADE,
                f"The migration drops {kind} `{identity}`{through}: queries of the running application that use it "
                "fail.",
                step=step,
                help=_SAFE,
            )


def _default_users(case: Case, sequence: str) -> tuple[str, ...]:
    """Return the columns whose default used a dropped sequence."""
    own = re.compile(rf"\bnextval\('(?:[^']*\.)?\"?{re.escape(unqualified(sequence))}\"?'")
    return tuple(change.name for change in case.schema_diff.changed if own.search(change.before))


def _check_changed(case: Case) -> Iterator[Finding]:
    for change in case.schema_diff.changed:
        if not change.name.startswith("column ") or case.is_new(change.name):
            continue
        identity = change.name.removeprefix("column ")
        step, _ = _find_statement(case, identity)
        before, after = (_TYPE_ENDS.sub("", text) for text in (change.before, change.after))
        if before != after and not _widens(before, after):
            yield case.finding(
                COLUMN_TYPE_CHANGED,
                f"Column `{identity}` changes from `{before}` to `{after}`: clients that expect the old type fail.",
                step=step,
                help="Add a column of the new type and switch the application over. Then drop the old column.",
            )


def _widens(before: str, after: str) -> bool:
    """Whether every value of the old type is valid in the new one, and drivers return the same type."""
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


def _is_new(case: Case, rename: _Rename, renames: tuple[_Rename, ...]) -> bool:
    """Whether the renamed object was created in the pull request; locks decide for an unqualified name."""
    for other in renames:
        if other is not rename and other.kind == "table" and unqualified(other.new) == unqualified(rename.table):
            return _is_new(case, other, ())
    rest = rename.old.removeprefix(rename.table)
    existing = {lock.relation for lock in rename.step.seen.locks.taken if lock.preexisting}
    created = {split_kind(name)[1] for name in case.created}
    fitting = [{name for name in names if f".{name}".endswith(f".{rename.table}")} for names in (existing, created)]
    names = {f"{rename.schema}.{rename.table}"} if rename.schema else fitting[0] or fitting[1]
    return any(case.is_new(f"{rename.kind} {name}{rest}") for name in names)


def _find_statement(case: Case, identity: str) -> tuple[Step | None, bool]:
    """Return the statement that dropped or changed an object, and whether it names the object."""
    last = re.escape(unqualified(identity.partition("(")[0]))
    candidates = [step for step in case.steps if step.seen.kind.startswith(_DROPPING) and step.seen.error is None]
    for step in candidates:
        if re.search(rf"(?<![\w$]){last}(?![\w$])", step.text, re.IGNORECASE) and step.seen.kind != "DO":
            return step, True
    fallback = [step for step in candidates if "CASCADE" in step.text.upper()] or candidates
    return (fallback[0] if fallback else None), False
