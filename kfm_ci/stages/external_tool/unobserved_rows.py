"""Part of stage ``provision``: programs that read rows of tables that were empty when the tool ran."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kfm_ci.evidence.tool_log.transcript import RecordedStatements
from kfm_ci.migrations.model import Migration
from kfm_ci.model import Finding, Place
from kfm_ci.rules.server.external_tool import PROGRAM_READS_ROWS
from kfm_ci.sql import statements
from kfm_ci.sql.parse_tree import Node

_CATALOGS = frozenset({"pg_catalog", "information_schema"})
_NAMED = 3
"""Maximum number of tables in a message."""


def check_rows_read(new: tuple[Migration, ...], ups: Mapping[str, RecordedStatements]) -> Iterator[Finding]:
    """Yield a note on each migration that reads rows of tables that the change did not create."""
    trees = {item.id: list(_trees(ups[item.id].text)) for item in new if item.id in ups}
    made = {
        node.text("relname")
        for own in trees.values()
        for tree in own
        if tree.tag in {"CreateStmt", "CreateTableAsStmt"}
        for node in tree.find("RangeVar")
    }
    for item in new:
        read = [name for tree in trees.get(item.id, ()) if tree.tag == "SelectStmt" for name in _read(tree)]
        names = [name for name in dict.fromkeys(read) if name not in made]
        if names:
            yield _finding(item, names)


def _read(tree: Node) -> list[str]:
    """Return the tables that a query reads; none for one that asks the catalog, as drivers do."""
    own = {node.text("ctename") for node in tree.find("CommonTableExpr")}
    tables = [node for node in tree.find("RangeVar") if node.text("relname") not in own]
    if any(node.text("relname").startswith("pg_") or node.text("schemaname") in _CATALOGS for node in tables):
        return []
    return [node.text("relname") for node in tables]


def _trees(text: str) -> Iterator[Node]:
    for part in statements.split(text):
        try:
            yield from statements.parse(part.text)
        except statements.SyntaxProblem:
            continue


def _finding(migration: Migration, names: list[str]) -> Finding:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return PROGRAM_READS_ROWS.finding(
        f"The program reads rows of {', '.join(names[:_NAMED])}{more}, but the tables were empty when the tool ran: "
        "its SQL for each row was not checked.",
        help="Review it by hand, or replace it by one SQL statement, which kfm-ci checks.",
        place=Place(file=migration.up_path, line=1),
        migration=migration.id,
    )
