"""Rule ``enum-value-used-in-same-transaction``: new enum value used in the same transaction."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.changed_statement import ChangeStatement
from kfm_ci.analysis.excerpt import shown
from kfm_ci.analysis.object_names import spelled
from kfm_ci.model import Finding, Hazard
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.rule import statement_finding
from kfm_ci.sql.parse_tree import Node

_TEXTS = (("text",), ("varchar",), ("bpchar",), ("name",))


ENUM_VALUE_USED_IN_SAME_TRANSACTION = RuleInfo(
    id="enum-value-used-in-same-transaction",
    hazard=Hazard.TRANSACTION,
    title="New enum value used in the same transaction",
    why=(
        "`alter type … add value` can run in a transaction block, but the value cannot be used before"
        " the commit: PostgreSQL returns error 55P04. Use the value in a later migration. A value of "
        "a type that the same transaction created can be used at once."
    ),
    bad="alter type mood add value 'calm';\ninsert into people (name, mood) values ('Ann', 'calm');\n",
    good="alter type mood add value 'calm';\n",
)


class EnumValueUsedInSameTransaction:
    """Finds uses of an enum value before its commit, which PostgreSQL rejects with error 55P04."""

    info = ENUM_VALUE_USED_IN_SAME_TRANSACTION

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a finding for the first statement that uses a value added in its transaction."""
        statements = change.statements
        for added in statements.of("AlterEnumStmt"):
            value, names = added.tree.text("new_val"), added.tree.strings("type_name")
            if added.transaction is None or not value or added.tree.text("old_val") or self._made_here(change, added):
                continue
            user = next((statement for statement in _after(change, added) if _mentions(statement, value)), None)
            if user is not None:
                yield statement_finding(
                    ENUM_VALUE_USED_IN_SAME_TRANSACTION,
                    user,
                    (
                        f"The statement uses '{shown(value)}', which line {added.line} adds to `{spelled(names)}` "
                        "in the same transaction."
                    ),
                    help=f"Use '{shown(value)}' in the next migration, after the commit.",
                )

    def _made_here(self, change: Change, added: ChangeStatement) -> bool:
        names = added.tree.strings("type_name")
        return any(
            statement.transaction == added.transaction and statement.tree.strings("type_name")[-1:] == names[-1:]
            for statement in change.statements.of("CreateEnumStmt")
        )


def _after(change: Change, added: ChangeStatement) -> list[ChangeStatement]:
    users = (
        "InsertStmt",
        "UpdateStmt",
        "DeleteStmt",
        "AlterTableStmt",
        "CreateStmt",
        "SelectStmt",
        "IndexStmt",
        "ViewStmt",
        "MergeStmt",
    )
    return sorted(
        (
            statement
            for statement in change.statements.of(*users)
            if statement.transaction == added.transaction
            and statement.ordinal > added.ordinal
            and statement.function is None  # a body is only read here; if the change calls it, the server decides
        ),
        key=lambda statement: statement.ordinal,
    )


def _mentions(statement: ChangeStatement, value: str) -> bool:
    return value in statement.text.replace("''", "'") and any(text == value for text in _values(statement.tree))


def _values(tree: Node) -> Iterator[str]:
    """Yield the string constants of a statement, without those that are compared as text."""
    text = tree.one("sval") if tree.tag == "A_Const" else None
    if text is not None:
        yield text.text("sval")
    sides = (tree, tree.one("lexpr"), tree.one("rexpr")) if tree.tag in {"A_Expr", "TypeCast"} else ()
    as_text = any(side is not None and _as_text(side) for side in sides)
    for child in tree.children():
        if not (as_text and child.tag in {"A_Const", "List", "A_ArrayExpr"}):
            yield from _values(child)


def _as_text(node: Node) -> bool:
    kind = node.one("type_name") if node.tag == "TypeCast" else None
    return kind is not None and kind.strings("names")[-1:] in _TEXTS
