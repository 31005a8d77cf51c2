"""Inverse of ``ALTER TABLE``, one inverse for each of its actions."""

from __future__ import annotations

from kfm_ci.migrations.inverse.model import NOTHING, InverseStatements, ask, run
from kfm_ci.sql.identifiers import default_name, quote, relation
from kfm_ci.sql.parse_tree import Node

_SWITCHES = {
    "AT_EnableRowSecurity": "disable row level security",
    "AT_DisableRowSecurity": "enable row level security",
    "AT_ForceRowSecurity": "no force row level security",
    "AT_NoForceRowSecurity": "force row level security",
    "AT_SetLogged": "set unlogged",
    "AT_SetUnLogged": "set logged",
}
_NAMED_SWITCHES = {
    "AT_EnableTrig": "disable trigger",
    "AT_DisableTrig": "enable trigger",
    "AT_EnableAlwaysTrig": "enable trigger",
    "AT_EnableReplicaTrig": "enable trigger",
    "AT_EnableRule": "disable rule",
    "AT_DisableRule": "enable rule",
}
_SUFFIXES = {
    "CONSTR_PRIMARY": "pkey",
    "CONSTR_UNIQUE": "key",
    "CONSTR_FOREIGN": "fkey",
    "CONSTR_CHECK": "check",
    "CONSTR_EXCLUSION": "excl",
}
_FORMER_SETTINGS = {
    "AT_SetStatistics": "statistics target",
    "AT_SetStorage": "storage",
    "AT_SetCompression": "compression",
    "AT_SetOptions": "options",
    "AT_ReplaceRelOptions": "storage parameters",
    "AT_SetRelOptions": "storage parameters",
    "AT_ResetRelOptions": "storage parameters",
    "AT_ReplicaIdentity": "replica identity",
    "AT_ClusterOn": "cluster index",
    "AT_SetTableSpace": "tablespace",
    "AT_ChangeOwner": "owner",
    "AT_SetIdentity": "identity",
    "AT_SetExpression": "expression",
}
_ALTERED = {
    "OBJECT_TABLE": "table",
    "OBJECT_VIEW": "view",
    "OBJECT_MATVIEW": "materialized view",
    "OBJECT_INDEX": "index",
    "OBJECT_SEQUENCE": "sequence",
    "OBJECT_FOREIGN_TABLE": "foreign table",
    "OBJECT_TYPE": "type",
}


def undo(statement: Node, created: frozenset[str]) -> InverseStatements:
    """Return the inverse of an ``AlterTableStmt``; ``created`` has the relations that the same file creates."""
    target = statement.one("relation")
    kind = _ALTERED.get(statement.choice("objtype"), "table")
    if target is None:
        return ask("the changes of this statement")
    head = f"alter {kind} {relation(target)}"
    fresh = relation(target) in created
    undone = [_command(item, head, target, fresh=fresh) for item in reversed(statement.many("cmds"))]
    return InverseStatements(
        sql=tuple(line for item in undone for line in item.sql),
        unknown=tuple(line for item in undone for line in item.unknown),
    )


def _command(command: Node, head: str, target: Node, *, fresh: bool) -> InverseStatements:
    kind, name, definition = command.choice("subtype"), quote(command.text("name")), command.one("def")
    if kind == "AT_AddColumn" and definition is not None:
        word = "attribute" if head.startswith("alter type") else "column"
        there = f"whether {quote(definition.text('colname'))} existed before (`IF NOT EXISTS`)"
        return run(
            f"{head} drop {word} {quote(definition.text('colname'))}",
            unknown=there if command.flag("missing_ok") else None,
        )
    if kind == "AT_AddConstraint" and definition is not None:
        return _constraint(definition, head, target)
    if kind in _SWITCHES:
        return NOTHING if fresh else run(f"{head} {_SWITCHES[kind]}")
    if kind in _NAMED_SWITCHES:
        return NOTHING if fresh else run(f"{head} {_NAMED_SWITCHES[kind]} {name}")
    if kind == "AT_SetNotNull":
        return NOTHING if fresh else run(f"{head} alter column {name} drop not null")
    if kind == "AT_DropNotNull":
        return run(
            f"{head} alter column {name} set not null",
            unknown=f"how to treat rows written since then in which {name} is null",
        )
    if kind == "AT_ColumnDefault":
        if fresh:
            return run(f"{head} alter column {name} drop default") if definition is not None else NOTHING
        return ask(
            f"the former default of {name} of {relation(target)}: `{head} alter column {name} set default …` "
            "(or `drop default`)"
        )
    if kind == "AT_AddIdentity":
        return run(f"{head} alter column {name} drop identity")
    if kind in {"AT_AttachPartition", "AT_DetachPartition"} and definition is not None:
        part = definition.one("name")
        if kind == "AT_AttachPartition" and part is not None:
            return run(f"{head} detach partition {relation(part)}")
        return ask(f"the bounds of the detached partition: `{head} attach partition … for values …`")
    if kind in {"AT_AddInherit", "AT_DropInherit"} and definition is not None:
        return run(f"{head} {'no inherit' if kind == 'AT_AddInherit' else 'inherit'} {relation(definition)}")
    if kind == "AT_ValidateConstraint":
        return NOTHING  # a validated constraint need not become NOT VALID again
    return _unknown(kind, name, head, target, fresh=fresh)


def _unknown(kind: str, name: str, head: str, target: Node, *, fresh: bool) -> InverseStatements:
    if kind == "AT_DropColumn":
        return ask(
            f"type, default and values of {relation(target)}.{name}; the values are lost "
            f"(`{head} add column {name} …` restores an empty column)"
        )
    if kind == "AT_DropConstraint":
        return ask(f"the definition of constraint {name}: `{head} add constraint {name} …`")
    if kind == "AT_AlterColumnType":
        return ask(f"the former type of {name} of {relation(target)}: `{head} alter column {name} type …`")
    if kind in _FORMER_SETTINGS:
        return NOTHING if fresh else ask(f"the former {_FORMER_SETTINGS[kind]} of {relation(target)}")
    words = kind.removeprefix("AT_") or "this"
    return ask(f"the change of {words} on {relation(target)}")


def _constraint(definition: Node, head: str, target: Node) -> InverseStatements:
    name, kind = definition.text("conname"), definition.choice("contype")
    if not name and definition.text("indexname"):
        name = definition.text("indexname")
    if kind == "CONSTR_NOTNULL" and not name:
        columns = definition.strings("keys")
        return (
            run(f"{head} alter column {quote(columns[0])} drop not null") if columns else ask("the name of the column")
        )
    if name:
        return run(f"{head} drop constraint {quote(name)}")
    default = default_name(target.text("relname"), *_columns(definition, kind), _SUFFIXES.get(kind, ""))
    if default is None:
        return ask(f"the name that PostgreSQL chose for the constraint: `{head} drop constraint …`")
    return run(
        f"{head} drop constraint {quote(default)}",
        unknown=f"whether PostgreSQL chose the name {default} for the constraint",
    )


def _columns(definition: Node, kind: str) -> tuple[str, ...]:
    """Return the columns in the name that PostgreSQL chooses for a constraint."""
    if kind == "CONSTR_FOREIGN":
        return definition.strings("fk_attrs")
    if kind == "CONSTR_UNIQUE":
        return definition.strings("keys")
    if kind == "CONSTR_CHECK":
        named = {node.strings("fields")[-1] for node in definition.find("ColumnRef") if node.strings("fields")}
        return tuple(named) if len(named) == 1 else ()
    if kind == "CONSTR_EXCLUSION":
        return tuple(node.text("name") or "expr" for node in definition.find("IndexElem"))
    return ()
