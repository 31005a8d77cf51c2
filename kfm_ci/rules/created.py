"""What the change itself creates: nobody uses it yet, so most of what is done to it harms nobody."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kfm_ci.migrations import statements
from kfm_ci.migrations.files import Migration, Script, Statement
from kfm_ci.migrations.syntax import Node

Name = tuple[str, ...]
"""Parts of a name as written, schema first."""

_MAKERS = {
    "CreateStmt": "relation", "CreateForeignTableStmt": "base_stmt", "ViewStmt": "view", "CreateSeqStmt": "sequence",
    "CompositeTypeStmt": "typevar",
}  # fmt: skip
_NAMED = {
    "CreateFunctionStmt": "funcname", "CreateEnumStmt": "type_name", "CreateRangeStmt": "type_name",
    "CreateDomainStmt": "domainname",
}  # fmt: skip
_RELATIONS = ("relation", "table", "view", "parent", "sequence")
_LISTS = ("relations", "objects")
_NAMES = {"ObjectWithArgs": "objname", "TypeName": "names", "List": "items"}


def created(migrations: Sequence[Migration]) -> frozenset[Name]:
    """Return the names of everything that these migrations' ups create."""
    found: set[Name] = set()
    for migration in migrations:
        if isinstance(migration.up, Script):
            for statement in statements.of(migration.up):
                if statement.text[:6].lower() == "create" or statement.text[:4].lower() == "sele":
                    found.update(name for tree in trees(statement) for name in _made(tree))
    return frozenset(found)


def only_new(statement: Statement, new: frozenset[Name]) -> bool:
    """Whether all that a statement is done to was created by the same change; False when that cannot be told."""
    names = [name for tree in trees(statement) for name in _targets(tree)]
    return bool(names) and all(any(_same(name, other) for other in new) for name in names)


def trees(statement: Statement) -> tuple[Node, ...]:
    """Return a statement's trees; none when it does not parse."""
    try:
        return statements.parse(statement.text)
    except statements.SyntaxProblem:
        return ()


def _made(tree: Node) -> Iterator[Name]:
    if tree.tag in _MAKERS:
        relation = tree.one(_MAKERS[tree.tag])
        relation = relation.one("relation") if relation is not None and relation.tag == "CreateStmt" else relation
        if relation is not None:
            yield _relation(relation)
    elif tree.tag in _NAMED:
        yield tree.strings(_NAMED[tree.tag])
    elif tree.tag == "CreateSchemaStmt":
        yield (tree.text("schemaname"),)
    elif tree.tag == "IndexStmt" and tree.text("idxname"):
        yield (tree.text("idxname"),)
    else:
        into = tree.one("into") or tree.one("into_clause")
        relation = into.one("rel") if into is not None else None
        if relation is not None:
            yield _relation(relation)


def _targets(tree: Node) -> Iterator[Name]:
    for field in _RELATIONS:
        child = tree.one(field)
        if child is not None and child.tag == "RangeVar":
            yield _relation(child)
    for field in _LISTS:
        for child in tree.many(field):
            if child.tag == "RangeVar":
                yield _relation(child)
            elif child.tag in _NAMES:
                yield child.strings(_NAMES[child.tag])
            elif child.tag == "String":
                yield (child.text("sval"),)
    if tree.tag == "CreateFunctionStmt":
        yield tree.strings("funcname")


def _relation(node: Node) -> Name:
    return tuple(part for part in (node.text("schemaname"), node.text("relname")) if part)


def _same(one: Name, other: Name) -> bool:
    """Whether two names can mean the same object; where one has no schema, that of the other is taken for it."""
    return one[-1:] == other[-1:] and (len(one) < 2 or len(other) < 2 or one[-2] == other[-2])
