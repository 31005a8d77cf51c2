"""Dropped, renamed and changed objects, from the difference of the catalogs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kfm_ci import phrases
from kfm_ci.assess.case import SHOWN, Case, Step, blocking, split_kind, unqualified
from kfm_ci.evidence.object_changes import ObjectChanges
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
_SAFE = "Release an application that no longer uses it first; then drop it in a migration with `phase: contract`."
_TYPE_ENDS = re.compile(
    r" (?:collate|not null|generated|default|storage|compression|statistics|options|foreign|inherited)\b.*", re.DOTALL
)


def check(case: Case) -> Iterator[Finding]:
    """Yield findings on dropped data, and on dropped, renamed and changed objects that applications may use."""
    changes = case.objects
    yield from _check_renamed(case, changes)
    yield from _check_removed(case, changes)
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


def _check_renamed(case: Case, changes: ObjectChanges) -> Iterator[Finding]:
    """Yield the names of existing objects that nothing of their kind has now."""
    schemas = [item.before.removeprefix("schema ") for item in changes.renamed if item.before.startswith("schema ")]
    for item in changes.renamed:
        (kind, old), (_, new) = split_kind(item.before), split_kind(item.after)
        if item.before not in changes.existing or item.is_served or old.partition(".")[0] in schemas != [old]:
            continue
        if kind == "column" and old.rpartition(".")[2] == new.rpartition(".")[2]:
            continue  # its table is renamed
        step = rename_statement(case, old)
        command = step.seen.kind if step is not None else "ALTER"
        before, after = old, new
        if old.rpartition(".")[0] == new.rpartition(".")[0]:
            before = ".".join(old.rsplit(".", 2)[-2:]) if kind == "column" else _last(old)
            after = _last(new)
        yield case.finding(
            _RENAME_RULES.get(kind, OBJECT_DROPPED),
            f"`{command}` renames {kind} `{before}` to `{after}`: queries with the old name fail.",
            step=step,
            help="Add the new name beside the old one (a view, or a column kept in sync by a trigger). Drop the "
            "old name in a later migration.",
        )


def _check_removed(case: Case, changes: ObjectChanges) -> Iterator[Finding]:
    renamed = {item.before for item in changes.renamed}
    names = dict.fromkeys((*case.schema_diff.removed, *changes.dropped))
    for name in names:
        kind, identity = split_kind(name)
        loses_data = name in changes.dropped
        if name in renamed or (name not in changes.existing and not loses_data):
            continue
        if kind == "column" and any(identity.startswith(f"{item.partition(' ')[2]}.") for item in renamed):
            continue  # its table is renamed
        step, is_named = find_statement(case, identity)
        columns = _default_users(case, identity) if kind == "sequence" else ()
        if columns and (not is_named or any(map(case.is_new, columns))):
            continue  # the column that used the sequence is reported, or is new too
        through = "" if is_named else ", through CASCADE, a DO block or a function"
        if loses_data and kind in _LOSS_RULES:
            yield case.finding(
                _LOSS_RULES[kind],
                f"The migration drops {kind} `{identity}` and its data{through}.",
                step=step,
                help=_SAFE,
            )
        if (
            name in changes.existing
            and name in case.schema_diff.removed
            and (kind in _IN_USE_RULES or kind in _CLIENTS)
        ):
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
        if not change.name.startswith("column ") or change.name not in case.objects.existing:
            continue
        identity = change.name.removeprefix("column ")
        step, _ = find_statement(case, identity)
        before, after = (_TYPE_ENDS.sub("", text) for text in (change.before, change.after))
        if before != after and not _widens(before, after):
            yield case.finding(
                COLUMN_TYPE_CHANGED,
                f"Column `{identity}` changes from `{before}` to `{after}`: clients that expect the old type fail.",
                step=step,
                help="Add a column of the new type and switch the application over. Then drop the old column.",
            )


def _last(identity: str) -> str:
    return identity.rpartition(".")[2]


def _widens(before: str, after: str) -> bool:
    """Whether every value of the old type is valid in the new one, and drivers return the same type."""
    if re.match(r"character varying", before) and after == "text":
        return True
    old, new = (re.fullmatch(r"(.+?)(?:\((\d+)(?:,(\d+))?\))?", text) for text in (before, after))
    if old is None or new is None or old[1] != new[1] or old[3] != new[3]:
        return before == "integer" and after == "bigint"
    return new[2] is None or (old[2] is not None and int(new[2]) >= int(old[2]))


def rename_statement(case: Case, identity: str) -> Step | None:
    """Return the statement that renamed an object or moved it to another schema."""
    last = unqualified(identity)
    for step in case.steps:
        for node in step.nodes("RenameStmt", "AlterObjectSchemaStmt") if step.seen.error is None else ():
            relation = node.one("relation")
            names = {node.text("subname"), relation.text("relname") if relation is not None else ""}
            if last in names:
                return step
    return find_statement(case, identity)[0]


def find_statement(case: Case, identity: str, *, kinds: tuple[str, ...] = _DROPPING) -> tuple[Step | None, bool]:
    """Return the statement that dropped or changed an object, and whether it names the object."""
    last = re.escape(unqualified(identity.partition("(")[0]))
    candidates = [step for step in case.steps if step.seen.kind.startswith(kinds) and step.seen.error is None]
    for step in candidates:
        if re.search(rf"(?<![\w$]){last}(?![\w$])", step.text, re.IGNORECASE) and step.seen.kind != "DO":
            return step, True
    fallback = [step for step in candidates if "CASCADE" in step.text.upper()] or candidates
    return (fallback[0] if fallback else None), False
