"""Inverse of statements that set a name, a schema, an enum value or a comment."""

from __future__ import annotations

from kfm_ci.migrations.inverse.model import NOTHING, InverseStatements, ask, run
from kfm_ci.migrations.inverse.objects import KINDS
from kfm_ci.sql.identifiers import dotted, quote, relation, type_name
from kfm_ci.sql.parse_tree import Node

_WITH_SIGNATURE = frozenset({"OBJECT_FUNCTION", "OBJECT_PROCEDURE", "OBJECT_AGGREGATE", "OBJECT_ROUTINE"})
_PARTS = {"OBJECT_COLUMN": "column", "OBJECT_TABCONSTRAINT": "constraint", "OBJECT_ATTRIBUTE": "attribute"}


def undo(statement: Node, created: frozenset[str]) -> InverseStatements | None:
    """Return the inverse of a statement of this kind; None for any other statement."""
    if statement.tag == "RenameStmt":
        return _rename(statement)
    if statement.tag == "AlterObjectSchemaStmt":
        return _schema(statement)
    if statement.tag == "AlterEnumStmt":
        return _enum(statement)
    if statement.tag == "CommentStmt":
        return _comment(statement, created)
    return None


def _rename(statement: Node) -> InverseStatements:
    kind, new = statement.choice("rename_type"), statement.text("newname")
    target, old = statement.one("relation"), statement.text("subname")
    if kind in _PARTS and target is not None:
        owner = KINDS.get(statement.choice("relation_type"), "table")
        return run(f"alter {owner} {relation(target)} rename {_PARTS[kind]} {quote(new)} to {quote(old)}")
    word = KINDS.get(kind)
    if word in {"trigger", "policy", "rule"} and target is not None:
        return run(f"alter {word} {quote(new)} on {relation(target)} rename to {quote(old)}")
    if word and target is not None:
        changed = dotted(target.text("schemaname"), new)
        return run(f"alter {word} {changed} rename to {quote(target.text('relname'))}")
    thing = statement.one("object")
    if word and kind in _WITH_SIGNATURE and thing is not None:
        parts = thing.strings("objname")
        types = ", ".join(type_name(node) for node in thing.many("objargs"))
        signature = "" if thing.flag("args_unspecified") else f"({types})"
        return run(f"alter {word} {dotted(*parts[:-1], new)}{signature} rename to {quote(parts[-1])}")
    if word and thing is not None and (parts := _names(thing)):
        return run(f"alter {word} {dotted(*parts[:-1], new)} rename to {quote(parts[-1])}")
    if word and old:
        return run(f"alter {word} {quote(new)} rename to {quote(old)}")
    return ask(f"the statement that renames {new} to its former name")


def _schema(statement: Node) -> InverseStatements:
    word = KINDS.get(statement.choice("object_type"))
    target, schema = statement.one("relation"), statement.text("newschema")
    if word is None or target is None:
        return ask("the former schema: `alter … set schema …`")
    moved = dotted(schema, target.text("relname"))
    if target.text("schemaname"):
        return run(f"alter {word} {moved} set schema {quote(target.text('schemaname'))}")
    return ask(f"the former schema: `alter {word} {moved} set schema …`")


def _enum(statement: Node) -> InverseStatements:
    name, new, old = dotted(*statement.strings("type_name")), statement.text("new_val"), statement.text("old_val")
    if old:
        return run(f"alter type {name} rename value {_literal(new)} to {_literal(old)}")
    return ask(
        f"how to treat rows with {_literal(new)}: PostgreSQL cannot remove a value from type {name}; "
        "keep the value and declare `rollback: manual` or `compensating`"
    )


def _comment(statement: Node, created: frozenset[str]) -> InverseStatements:
    thing, kind = statement.one("object"), statement.choice("objtype")
    parts = _names(thing) if thing is not None else ()
    if dotted(*parts) in created or (kind == "OBJECT_COLUMN" and dotted(*parts[:-1]) in created):
        return NOTHING  # dropping the object drops its comment
    if (
        kind in {"OBJECT_COLUMN", "OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_INDEX", "OBJECT_SCHEMA", "OBJECT_SEQUENCE"}
        and parts
    ):
        word = "column" if kind == "OBJECT_COLUMN" else KINDS[kind]
        return run(f"comment on {word} {dotted(*parts)} is null", unknown="the former comment, if any")
    return ask("the former comment: `comment on … is null` if there was none")


def _names(thing: Node) -> tuple[str, ...]:
    """Return the parts of a name, which is a string or a list in the parse tree."""
    if thing.tag == "String":
        return (thing.text("sval"),)
    return thing.strings("items") or thing.strings("names")


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
