"""What makes a good lock bad: no timeout in effect, several tables at once; and what is left behind."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kfm_ci.evidence.entities import ForeignKey
from kfm_ci.evidence.model import Lock
from kfm_ci.migrations.identifiers import quote
from kfm_ci.migrations.syntax import Node
from kfm_ci.model import Finding, Hazard, Severity
from kfm_ci.report.judge.case import Case, Step, bare, blocking, few, listed

_REMEDY = "`set local lock_timeout = '2s';` before it, and try again later when it strikes."
_BARE_REMEDY = (
    "`set lock_timeout = '2s';` before it and `reset lock_timeout;` at the end (`set local` does nothing here, for the file runs "
    "outside a transaction), and try again later when it strikes."
)
_REFERENCES = re.compile(r"\breferences\b", re.IGNORECASE)
_SHOWN = 4
"""So many keys of one table are named."""


def judge(case: Case) -> Iterator[Finding]:
    """Yield what is missing around locks, and what the migration leaves unfinished."""
    yield from _timeout(case)
    yield from _order(case)
    yield from _invalid(case)
    yield from _unvalidated(case)
    yield from _unindexed(case)


def _timeout(case: Case) -> Iterator[Finding]:
    hasty = [step for step in case.steps if blocking(step.seen.locks) and step.seen.lock_timeout_ms == 0]
    if not hasty:
        return
    tables = listed([lock for step in hasty for lock in blocking(step.seen.locks)])
    more = f" (and {len(hasty) - 1} more statement{'s' if len(hasty) > 2 else ''})" if len(hasty) > 1 else ""
    yield case.find(
        "lock-timeout-missing", Hazard.TIMEOUT,
        f"asks for a lock on {tables}{more} with no lock_timeout in effect: while it queues behind one long query, "
        "everyone else queues behind it.",
        step=hasty[0], help=_REMEDY if case.in_transaction else _BARE_REMEDY,
    )  # fmt: skip


def _order(case: Case) -> Iterator[Finding]:
    if not case.in_transaction:
        return
    taken: dict[str, tuple[Step, Lock]] = {}
    for step in case.steps:
        for lock in blocking(step.seen.locks):
            if lock.kind in {"table", "materialized view"}:
                taken.setdefault(lock.relation, (step, lock))
    takers = list(dict.fromkeys(step.seen.line for step, _ in taken.values()))
    # One statement that needs two tables cannot be taken apart.
    if len(taken) < 2 or len(takers) < 2:
        return
    order = " → ".join(f"{name} ({lock.mode.value}, line {step.seen.line})" for name, (step, lock) in taken.items())
    last = list(taken.values())[-1][0]
    yield case.find(
        "several-tables-locked", Hazard.LOCK_ORDER,
        f"holds locks on several tables until COMMIT, in this order: {order}. A transaction that takes them in "
        "another order deadlocks with it.",
        step=last, help="One table a migration.",
    )  # fmt: skip


def _invalid(case: Case) -> Iterator[Finding]:
    for index, step in enumerate(case.steps):
        for name in step.seen.invalid_indexes:
            last = name.rpartition(".")[2].strip('"')
            mended = any(
                later.seen.error is None
                and last in later.text
                and later.seen.kind in {"ALTER INDEX", "DROP INDEX", "REINDEX"}
                for later in case.steps[index + 1 :]
            )
            if not mended:
                yield case.find(
                    "index-left-invalid", Hazard.INVALID_INDEX,
                    f"leaves {name} invalid: writers keep it up, no query uses it, `if not exists` takes it for done.",
                    step=step, help=f"`drop index concurrently if exists {name};` and build it again.",
                )  # fmt: skip


def _unvalidated(case: Case) -> Iterator[Finding]:
    validated = {
        command.text("name")
        for step in case.steps
        for command in step.nodes("AlterTableCmd")
        if command.choice("subtype") == "AT_ValidateConstraint"
    }
    for step in case.steps:
        if step.seen.error is not None:
            continue
        for tree, name in _unproven(step):
            if name not in validated:
                relation = tree.one("relation")
                parts = (relation.text("schemaname"), relation.text("relname")) if relation is not None else ()
                table = ".".join(quote(part) for part in parts if part) or "…"
                yield case.find(
                    "constraint-not-validated", Hazard.FULL_SCAN,
                    f"{name or 'a constraint'} holds for new rows only until it is validated.",
                    step=step, severity=Severity.NOTE,
                    help=f"In the next migration: `alter table {table} validate constraint {quote(name or '…')};`",
                )  # fmt: skip


def _unproven(step: Step) -> Iterator[tuple[Node, str]]:
    """Yield the constraints that a statement adds without proof, each with the command that adds it."""
    for tree in step.trees:
        for node in tree.find("Constraint"):
            if node.flag("skip_validation"):
                yield tree, node.text("conname")


def _unindexed(case: Case) -> Iterator[Finding]:
    """Yield one finding a table, at the first statement that gives it such a key."""
    if not case.unindexed:
        return
    made = [(step, *key) for step in case.steps if step.seen.error is None for key in _keys(step)]
    found: dict[str, tuple[Step, list[ForeignKey]]] = {}
    for key in case.unindexed:
        for step, table, name, names in made:
            # told by the name that the statement writes, else by the columns
            if table == bare(key.table) and (name == key.name if name else names == key.columns):
                found.setdefault(key.table, (step, []))[1].append(key)
                break
    for table, (step, keys) in found.items():
        young = f"table {table}" in {*case.schema_diff.added, *case.created}
        columns = list(dict.fromkeys(", ".join(map(quote, key.columns)) for key in keys))
        more = f" or {len(columns) - _SHOWN} others" if len(columns) > _SHOWN else ""
        referenced = few(list(dict.fromkeys(key.referenced for key in keys)))
        indexes = [f"`create index {'' if young else 'concurrently '}on {table} ({item});`" for item in columns]
        yield case.find(
            "foreign-key-without-index", Hazard.FULL_SCAN,
            f"no index of {table} begins with {' or with '.join(columns[:_SHOWN])}{more}: every delete or key change in {referenced} "
            f"reads all of {table}.",
            step=step, severity=Severity.NOTE, help=" ".join(indexes[:_SHOWN]),
        )  # fmt: skip


def _keys(step: Step) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield the foreign keys that a statement makes: table, name where it writes one, and columns."""
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
