"""Inverse of statements that create an object or grant privileges."""

from __future__ import annotations

from kfm_ci.migrations.inverse.model import NOTHING, InverseStatements, ask, run
from kfm_ci.sql import deparse
from kfm_ci.sql.identifiers import default_name, dotted, quote, relation, type_name
from kfm_ci.sql.parse_tree import Node

_DEFINED = {
    "OBJECT_TYPE": "type",
    "OBJECT_COLLATION": "collation",
    "OBJECT_TSCONFIGURATION": "text search configuration",
    "OBJECT_TSDICTIONARY": "text search dictionary",
    "OBJECT_TSPARSER": "text search parser",
    "OBJECT_TSTEMPLATE": "text search template",
}
KINDS = {
    **_DEFINED,
    "OBJECT_TABLE": "table",
    "OBJECT_VIEW": "view",
    "OBJECT_MATVIEW": "materialized view",
    "OBJECT_INDEX": "index",
    "OBJECT_SEQUENCE": "sequence",
    "OBJECT_FOREIGN_TABLE": "foreign table",
    "OBJECT_FUNCTION": "function",
    "OBJECT_PROCEDURE": "procedure",
    "OBJECT_AGGREGATE": "aggregate",
    "OBJECT_ROUTINE": "routine",
    "OBJECT_SCHEMA": "schema",
    "OBJECT_DOMAIN": "domain",
    "OBJECT_ROLE": "role",
    "OBJECT_TRIGGER": "trigger",
    "OBJECT_POLICY": "policy",
    "OBJECT_RULE": "rule",
    "OBJECT_EXTENSION": "extension",
    "OBJECT_EVENT_TRIGGER": "event trigger",
    "OBJECT_PUBLICATION": "publication",
    "OBJECT_STATISTIC_EXT": "statistics",
    "OBJECT_FOREIGN_SERVER": "server",
    "OBJECT_FDW": "foreign data wrapper",
    "OBJECT_LANGUAGE": "language",
    "OBJECT_CAST": "cast",
    "OBJECT_OPERATOR": "operator",
}
_NAMED = {
    "CreateEnumStmt": ("type", "type_name"),
    "CreateRangeStmt": ("type", "type_name"),
    "CreateDomainStmt": ("domain", "domainname"),
    "CreateStatsStmt": ("statistics", "defnames"),
    "CreateConversionStmt": ("conversion", "conversion_name"),
}
_SINGLE = {
    "CreateExtensionStmt": ("extension", "extname"),
    "CreateEventTrigStmt": ("event trigger", "trigname"),
    "CreatePublicationStmt": ("publication", "pubname"),
    "CreateForeignServerStmt": ("server", "servername"),
    "CreateFdwStmt": ("foreign data wrapper", "fdwname"),
    "CreatePLangStmt": ("language", "plname"),
    "CreateRoleStmt": ("role", "role"),
    "CreateSchemaStmt": ("schema", "schemaname"),
    "CreateSubscriptionStmt": ("subscription", "subname"),
}
_ON_TABLE = {
    "CreateTrigStmt": ("trigger", "trigname", "relation"),
    "CreatePolicyStmt": ("policy", "policy_name", "table"),
    "RuleStmt": ("rule", "rulename", "relation"),
}
_RELATIONS = {
    "CreateStmt": ("table", "relation"),
    "ViewStmt": ("view", "view"),
    "CreateSeqStmt": ("sequence", "sequence"),
    "CompositeTypeStmt": ("type", "typevar"),
}
_INPUT = frozenset({"FUNC_PARAM_DEFAULT", "FUNC_PARAM_IN", "FUNC_PARAM_INOUT", "FUNC_PARAM_VARIADIC"})


def created_relation(statement: Node) -> str | None:
    """Return the name of the relation that a statement creates, or None."""
    if statement.tag in _RELATIONS:
        target = statement.one(_RELATIONS[statement.tag][1])
    elif statement.tag == "CreateForeignTableStmt":
        base = statement.one("base_stmt")
        target = base.one("relation") if base else None
    else:
        into = statement.one("into") or statement.one("into_clause")
        target = into.one("rel") if into else None
    return relation(target) if target is not None else None


def creation(statement: Node, fresh: frozenset[str]) -> InverseStatements | None:
    """Return the inverse of a statement that creates an object; None for any other statement."""
    name = created_relation(statement)
    if name is not None:
        return _relation(statement, name)
    tag = statement.tag
    if tag in _NAMED:
        kind, field = _NAMED[tag]
        return run(f"drop {kind} {dotted(*statement.strings(field))}", unknown=_before(statement))
    if tag in _SINGLE:
        kind, field = _SINGLE[tag]
        own = statement.text(field) or (_role(statement) if tag == "CreateSchemaStmt" else "")
        inside = "the objects that the elements of `CREATE SCHEMA` created" if statement.many("schema_elts") else None
        return run(f"drop {kind} {quote(own)}", unknown=_before(statement) or inside)
    if tag in _ON_TABLE:
        kind, field, on = _ON_TABLE[tag]
        target = statement.one(on)
        table = relation(target) if target is not None else ""
        return run(f"drop {kind} {quote(statement.text(field))} on {table}", unknown=_before(statement))
    if tag == "IndexStmt":
        return _index(statement, fresh)
    if tag == "CreateFunctionStmt":
        return _function(statement)
    return _definition(statement)


def _relation(statement: Node, name: str) -> InverseStatements:
    kind = _RELATIONS.get(statement.tag, ("table", ""))[0]
    if statement.tag == "CreateTableAsStmt" and statement.choice("objtype") == "OBJECT_MATVIEW":
        kind = "materialized view"
    if statement.tag == "CreateForeignTableStmt":
        kind = "foreign table"
    target = statement.one("relation")
    if target is not None and target.text("relpersistence") == "t":
        return NOTHING  # a temporary table is dropped at the end of its session
    return run(f"drop {kind} {name}", unknown=_before(statement))


def _before(statement: Node) -> str | None:
    if statement.flag("if_not_exists"):
        return "whether it existed before (`IF NOT EXISTS`); if it did, remove this statement"
    if statement.flag("replace"):
        return "whether it replaced another (`OR REPLACE`); if it did, create the former one instead"
    return None


def _role(statement: Node) -> str:
    role = statement.one("authrole")
    return role.text("rolename") if role else ""


def _index(statement: Node, fresh: frozenset[str]) -> InverseStatements:
    table = statement.one("relation")
    if table is None or relation(table) in fresh:
        return NOTHING  # dropping the table drops its indexes
    word = "index concurrently" if statement.flag("concurrent") else "index"
    own = statement.text("idxname")
    parts = [node.text("name") or _call(node) for node in statement.many("index_params")]
    name = own or default_name(table.text("relname"), *parts, "idx")
    if name is None:
        return ask(f"the name that PostgreSQL chose for the index on {relation(table)}: `drop {word} …`")
    guessed = None if own else f"whether PostgreSQL chose the name {name} for the index"
    return run(f"drop {word} {dotted(table.text('schemaname'), name)}", unknown=_before(statement) or guessed)


def _call(node: Node) -> str:
    expression = node.one("expr")
    called = expression.strings("funcname") if expression is not None and expression.tag == "FuncCall" else ()
    return called[-1] if called else "expr"


def _function(statement: Node) -> InverseStatements:
    kind = "procedure" if statement.flag("is_procedure") else "function"
    inputs = [
        type_name(argument)
        for node in statement.many("parameters")
        if node.choice("mode") in _INPUT and (argument := node.one("arg_type")) is not None
    ]
    signature = f"{dotted(*statement.strings('funcname'))}({', '.join(inputs)})"
    return run(f"drop {kind} {signature}", unknown=_before(statement))


def _definition(statement: Node) -> InverseStatements | None:
    if statement.tag == "DefineStmt":
        kind = _DEFINED.get(statement.choice("kind"))
        if kind is None:
            return ask(f"the signature of the object to drop: `drop {KINDS.get(statement.choice('kind'), '…')} …`")
        return run(f"drop {kind} {dotted(*statement.strings('defnames'))}", unknown=_before(statement))
    if statement.tag == "CreateCastStmt":
        source, target = statement.one("sourcetype"), statement.one("targettype")
        if source is not None and target is not None:
            return run(f"drop cast ({type_name(source)} as {type_name(target)})")
    return None


def granted(statement: Node) -> InverseStatements | None:
    """Return the inverse of a ``GRANT`` or ``REVOKE``; None for any other statement."""
    if statement.tag not in {"GrantStmt", "GrantRoleStmt", "AlterDefaultPrivilegesStmt"}:
        return None
    action = statement.one("action") if statement.tag == "AlterDefaultPrivilegesStmt" else statement
    if action is None or action.flag("grant_option"):
        return ask("which roles keep the grant option")
    giving = action.flag("is_grant")
    return run(
        deparse.grant_inverse(statement), unknown=None if giving else "whether all these privileges were granted before"
    )
