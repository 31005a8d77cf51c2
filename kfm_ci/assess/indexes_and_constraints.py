"""Findings on indexes and constraints: invalid, not validated, not indexed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kfm_ci import phrases
from kfm_ci.assess.case import SHOWN, Case, Step, unqualified
from kfm_ci.evidence.tables import ForeignKey
from kfm_ci.model import Finding
from kfm_ci.rules.server.removals import CONSTRAINT_NOT_VALIDATED, FOREIGN_KEY_WITHOUT_INDEX, INVALID_INDEX_LEFT
from kfm_ci.sql.identifiers import quote
from kfm_ci.sql.parse_tree import Node

_REFERENCES = re.compile(r"\breferences\b", re.IGNORECASE)
_KEYS_SHOWN = 4
"""Maximum number of foreign keys in a message."""


def check(case: Case) -> Iterator[Finding]:
    """Yield findings on invalid indexes, constraints that are not validated, and foreign keys without an index."""
    yield from _check_invalid(case)
    yield from _check_unvalidated(case)
    yield from _check_unindexed(case)


def _check_invalid(case: Case) -> Iterator[Finding]:
    for index, step in enumerate(case.steps):
        for name in step.seen.effects.invalid_indexes:
            last = name.rpartition(".")[2].strip('"')
            is_fixed = any(
                later.seen.error is None
                and last in later.text
                and later.seen.kind in {"ALTER INDEX", "DROP INDEX", "REINDEX"}
                for later in case.steps[index + 1 :]
            )
            if not is_fixed:
                yield case.finding(
                    INVALID_INDEX_LEFT,
                    f"`{step.seen.kind}` leaves `{name}` invalid: every write maintains it, no query uses it, and "
                    "`IF NOT EXISTS` skips it.",
                    step=step,
                    help=f"Write `drop index concurrently if exists {name};` and build it again.",
                )


def _check_unvalidated(case: Case) -> Iterator[Finding]:
    validated = {
        command.text("name")
        for step in case.steps
        for command in step.nodes("AlterTableCmd")
        if command.choice("subtype") == "AT_ValidateConstraint"
    }
    for step in case.steps:
        if step.seen.error is not None:
            continue
        for tree, name in _not_valid(step):
            if name not in validated:
                relation = tree.one("relation")
                parts = (relation.text("schemaname"), relation.text("relname")) if relation is not None else ()
                table = ".".join(quote(part) for part in parts if part) or "…"
                yield case.finding(
                    CONSTRAINT_NOT_VALIDATED,
                    f"`{name}` is checked for new rows only until it is validated."
                    if name
                    else "The constraint is checked for new rows only until it is validated.",
                    step=step,
                    help=f"Write `alter table {table} validate constraint {quote(name or '…')};` in the next "
                    "migration.",
                )


def _not_valid(step: Step) -> Iterator[tuple[Node, str]]:
    """Yield the NOT VALID constraints that a statement adds, each with its command."""
    for tree in step.trees:
        for node in tree.find("Constraint"):
            if node.flag("skip_validation"):
                yield tree, node.text("conname")


def _check_unindexed(case: Case) -> Iterator[Finding]:
    """Yield one finding per table, at the first statement that adds such a foreign key."""
    if not case.unindexed:
        return
    created = [(step, *key) for step in case.steps if step.seen.error is None for key in _keys(step)]
    found: dict[str, tuple[Step, list[ForeignKey]]] = {}
    for key in case.unindexed:
        for step, table, name, names in created:
            # matched by the name in the statement, else by the columns
            if table == unqualified(key.table) and (name == key.name if name else names == key.columns):
                found.setdefault(key.table, (step, []))[1].append(key)
                break
    for table, (step, keys) in found.items():
        is_new = f"table {table}" in {*case.schema_diff.added, *case.created}
        columns = list(dict.fromkeys(", ".join(map(quote, key.columns)) for key in keys))
        starts = phrases.listed([f"`({item})`" for item in columns], _KEYS_SHOWN, joint=" or ")
        referenced = phrases.quoted(list(dict.fromkeys(key.referenced for key in keys)), SHOWN)
        create = "create index" if is_new else "create index concurrently"
        indexes = [f"`{create} on {table} ({item});`" for item in columns]
        yield case.finding(
            FOREIGN_KEY_WITHOUT_INDEX,
            f"No index of `{table}` starts with {starts}: every delete or key change in {referenced} scans `{table}`.",
            step=step,
            help=" ".join(["Write", *indexes[:_KEYS_SHOWN]]),
        )


def _keys(step: Step) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield the foreign keys that a statement creates: table, name if it has one, and columns."""
    if not _REFERENCES.search(step.text):
        return
    for tree in step.trees:
        relation = tree.one("relation") if tree.tag in {"CreateStmt", "AlterTableStmt"} else None
        if relation is None:
            continue
        columns = [
            (node, (item.text("colname"),)) for item in tree.find("ColumnDef") for node in item.many("constraints")
        ]
        tables = [(node, node.strings("fk_attrs")) for node in tree.find("Constraint") if node.strings("fk_attrs")]
        for node, names in (*columns, *tables):
            if node.choice("contype") == "CONSTR_FOREIGN":
                yield relation.text("relname"), node.text("conname"), names
