"""Generation of a down migration from the up migration."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.migrations.inverse import objects, renames, tables
from kfm_ci.migrations.inverse.model import NOTHING, InverseStatements, ask
from kfm_ci.sql import statements
from kfm_ci.sql.parse_tree import Node
from kfm_ci.sql.script import Script, Statement

__all__ = ["InverseStatements", "invert", "write"]

_SILENT = frozenset(
    {
        "VariableSetStmt",
        "VariableShowStmt",
        "TransactionStmt",
        "LockStmt",
        "VacuumStmt",
        "ReindexStmt",
        "CheckPointStmt",
        "DiscardStmt",
        "NotifyStmt",
        "ListenStmt",
        "ExplainStmt",
        "RefreshMatViewStmt",
        "ConstraintsSetStmt",
        "ClusterStmt",
    }
)
_ROWS = {
    "InsertStmt": "which rows of {} it inserted; delete them by their key",
    "UpdateStmt": "the former values of the rows of {}",
    "DeleteStmt": "the deleted rows of {}",
    "MergeStmt": "the former values of the rows of {}",
    "CopyStmt": "which rows of {} it inserted; delete them by their key",
}


def invert(script: Script) -> tuple[tuple[Statement, InverseStatements], ...]:
    """Return the inverse of each statement, in reverse order, except of those without effect on schema or data."""
    parts = statements.of(script)
    trees = [(part, _tree(part)) for part in parts]
    created = frozenset(name for _, tree in trees if tree is not None and (name := objects.created_relation(tree)))
    found = ((part, _undo(part, tree, created)) for part, tree in reversed(trees))
    return tuple((part, undo) for part, undo in found if undo != NOTHING)


def write(script: Script) -> str:
    """Return the text of the down migration, with a TODO comment for each statement that its author must write."""
    return "\n".join(line for part, undo in invert(script) for line in _lines(part, undo))


def _lines(part: Statement, undo: InverseStatements) -> Iterator[str]:
    for sentence in undo.unknown:
        flat = " ".join(sentence.split())
        yield f"-- {'CHECK' if undo.sql else 'TODO'} (line {part.line} of the up migration): unknown: {flat}"
    for sql in undo.sql:
        yield f"{sql};"


def _tree(part: Statement) -> Node | None:
    try:
        trees = statements.parse(part.text)
    except statements.SyntaxProblem:
        return None
    return trees[0] if len(trees) == 1 else None


def _undo(part: Statement, tree: Node | None, created: frozenset[str]) -> InverseStatements:
    if tree is None:
        return ask(f"the inverse of this {statements.kind(part.text)}, which does not parse")
    if tree.tag in _SILENT:
        return NOTHING
    if tree.tag == "AlterTableStmt":
        return tables.undo(tree, created)
    if tree.tag in _ROWS:
        target = next((node.text("relname") for node in tree.find("RangeVar")), "the table")
        return ask(_ROWS[tree.tag].format(target))
    if tree.tag == "DropStmt":
        return ask(f"the definition of the dropped object; create it again (`{_short(part)}`)")
    found = objects.creation(tree, created) or renames.undo(tree, created) or objects.granted(tree)
    if found is not None:
        return found
    if tree.tag == "SelectStmt":
        return NOTHING if not tuple(tree.find("FuncCall")) else ask(f"the changes of `{_short(part)}`, if any")
    return ask(f"the inverse of `{_short(part)}`")


def _short(part: Statement) -> str:
    text = " ".join(part.text.split())
    return text if len(text) <= 80 else text[:79] + "…"
