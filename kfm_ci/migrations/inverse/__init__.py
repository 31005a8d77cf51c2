"""The way back of a script, as far as it can be told from the script alone."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.migrations.inverse import objects, renames, tables
from kfm_ci.migrations.inverse.model import NOTHING, InverseStatements, ask
from kfm_ci.sql import statements
from kfm_ci.sql.parse_tree import Node
from kfm_ci.sql.script import Script, Statement

__all__ = ["InverseStatements", "invert", "write"]

_SILENT = frozenset(
    {"VariableSetStmt", "VariableShowStmt", "TransactionStmt", "LockStmt", "VacuumStmt", "ReindexStmt", "CheckPointStmt",
     "DiscardStmt", "NotifyStmt", "ListenStmt", "ExplainStmt", "RefreshMatViewStmt", "ConstraintsSetStmt", "ClusterStmt"}
)  # fmt: skip
_ROWS = {
    "InsertStmt": "which rows of {} it wrote: delete them by their key, where nobody else can have written them",
    "UpdateStmt": "what the rows of {} held before: nothing here tells",
    "DeleteStmt": "the rows of {} that it deleted: nothing here tells",
    "MergeStmt": "what the rows of {} held before: nothing here tells",
    "CopyStmt": "which rows of {} it wrote: delete them by their key",
}


def invert(script: Script) -> tuple[tuple[Statement, InverseStatements], ...]:
    """Return what takes each statement back, last statement first; what needs nothing is left out."""
    parts = statements.of(script)
    trees = [(part, _tree(part)) for part in parts]
    made = frozenset(name for _, tree in trees if tree is not None and (name := objects.made(tree)))
    found = ((part, _undo(part, tree, made)) for part, tree in reversed(trees))
    return tuple((part, undo) for part, undo in found if undo != NOTHING)


def write(script: Script) -> str:
    """Return the text of a down: statements that are sure, and a TODO for what its author has to tell."""
    return "\n".join(line for part, undo in invert(script) for line in _lines(part, undo))


def _lines(part: Statement, undo: InverseStatements) -> Iterator[str]:
    for sentence in undo.unknown:
        flat = " ".join(sentence.split())
        yield f"-- {'CHECK' if undo.sql else 'TODO'} (line {part.line} of the up): not known: {flat}"
    for sql in undo.sql:
        yield f"{sql};"


def _tree(part: Statement) -> Node | None:
    try:
        trees = statements.parse(part.text)
    except statements.SyntaxProblem:
        return None
    return trees[0] if len(trees) == 1 else None


def _undo(part: Statement, tree: Node | None, made: frozenset[str]) -> InverseStatements:
    if tree is None:
        return ask(f"what takes this {statements.kind(part.text)} back: it was not understood")
    if tree.tag in _SILENT:
        return NOTHING
    if tree.tag == "AlterTableStmt":
        return tables.undo(tree, made)
    if tree.tag in _ROWS:
        target = next((node.text("relname") for node in tree.find("RangeVar")), "the table")
        return ask(_ROWS[tree.tag].format(target))
    if tree.tag == "DropStmt":
        return ask(f"the definition of what was dropped: create it again as it was (`{_short(part)}`)")
    found = objects.creation(tree, made) or renames.undo(tree, made) or objects.granted(tree)
    if found is not None:
        return found
    if tree.tag == "SelectStmt":
        return NOTHING if not tuple(tree.find("FuncCall")) else ask(f"what `{_short(part)}` changed, if anything")
    return ask(f"what takes `{_short(part)}` back")


def _short(part: Statement) -> str:
    text = " ".join(part.text.split())
    return text if len(text) <= 80 else text[:79] + "…"
