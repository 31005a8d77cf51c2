"""The own tables of an external migration tool: no part of the schema, and statements on them are not checked."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from psycopg import sql

from kfm_ci.migrations.model import ToolTableNames
from kfm_ci.postgres.session import Session
from kfm_ci.sql import statements
from kfm_ci.sql.parse_tree import Node

EXISTING = """
select format('%I.%I', n.nspname, c.relname), n.nspname, c.relname
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where c.relkind in ('r', 'p', 'v') and n.nspname not in ('pg_catalog', 'information_schema')
"""

_HISTORY = """
select n.nspname, c.relname
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where lower(c.relname) = lower(%s) and c.relkind in ('r', 'p') and (%s = '' or n.nspname = %s)
 order by 1 limit 1
"""

_DELETE_ROWS = """
delete from {} t
 where (select array_agg(value #>> '{{}}') from jsonb_each(to_jsonb(t))
         where jsonb_typeof(value) = 'string') @> %s::text[]
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolTables:
    """Names of a tool's own tables, in lower case; ``*`` matches any characters, as in ``schema.*``."""

    names: frozenset[str]
    filled_afterwards: frozenset[str] = frozenset()
    """Tables that the tool itself fills after the last migration: these statements belong to no migration."""

    @classmethod
    def of(cls, tables: ToolTableNames) -> ToolTables:
        """Return a tool's history table, the lock table beside it, and the tables that its format names."""
        # a configured name is no pattern, so that it cannot hide other tables
        table = glob.escape(tables.history.lower())
        return cls(
            names=frozenset({table, f"{table}_lock", f"{table}lock", *(name.lower() for name in tables.own)}),
            filled_afterwards=frozenset(name.lower() for name in tables.filled_afterwards),
        )

    def contains(self, schema: str, table: str) -> bool:
        """Whether a table is one of them; an empty schema matches every schema."""
        schema, table = schema.lower(), table.lower()
        for name in self.names:
            space, _, plain = name.rpartition(".")
            if plain == "*" and space != schema:
                continue
            if fnmatchcase(table, plain) and (not space or not schema or space == schema):
                return True
        return False

    def is_own_statement(self, text: str) -> bool:
        """Whether a statement uses these tables and no other."""
        lower = text.lower()
        if not any(name.rpartition(".")[2].strip("*") in lower for name in self.names):
            return False
        named = _mentioned(text)
        return bool(named) and all(self.contains(*pair) for pair in named)

    def can_record_migration(self, text: str) -> bool:
        """Whether a statement on them may record a migration: one on a lock table does not."""
        return not all(table.lower().endswith("lock") for _, table in _mentioned(text))

    def is_filling_statement(self, text: str) -> bool:
        """Whether a statement uses tables that the tool itself fills after the last migration, and no other."""
        named = _mentioned(text) if self.filled_afterwards else []
        return bool(named) and all(table.lower() in self.filled_afterwards for _, table in named)

    def drop_statement(self, existing: list[tuple[str, str, str]]) -> sql.Composed | None:
        """Return the statement that drops those of them that exist; None if there are none."""
        names = [sql.Identifier(schema, table) for _, schema, table in existing if self.contains(schema, table)]
        return sql.SQL("drop table if exists {} cascade").format(sql.SQL(", ").join(names)) if names else None


def read_history(session: Session, tables: ToolTableNames) -> str:
    """Return the rows of a tool's history table as one text; empty if there is no such table."""
    schema, _, table = tables.history.rpartition(".")
    found = session.execute(_HISTORY, [table, schema, schema]).fetchone()
    if found is None:
        return ""
    query = sql.SQL(
        "select coalesce(pg_catalog.string_agg(r, e'\\n' order by r collate pg_catalog.\"C\"), '')"
        " from (select pg_catalog.format('%s', t) as r from {} t) rows"
    )
    row = session.execute(query.format(sql.Identifier(*found))).fetchone()
    return str(row[0]) if row else ""


def delete_history_rows(session: Session, tables: ToolTableNames, keys: Iterable[tuple[str, ...]]) -> None:
    """Delete the history rows of migrations, each given by the values that its row contains."""
    schema, _, table = tables.history.rpartition(".")
    found = session.execute(_HISTORY, [table, schema, schema]).fetchone()
    if found is not None:
        statement = sql.SQL(_DELETE_ROWS).format(sql.Identifier(*found))
        for values in keys:
            session.execute(statement, [list(values)])


def _mentioned(text: str) -> list[tuple[str, str]]:
    try:
        return [pair for tree in statements.parse(text) for pair in _named(tree)]
    except statements.SyntaxProblem:
        return []


def _named(tree: Node) -> Iterator[tuple[str, str]]:
    own = {(node.text("ctename")) for node in tree.find("CommonTableExpr")}
    for node in tree.find("RangeVar"):
        if node.text("schemaname") or node.text("relname") not in own:
            yield node.text("schemaname"), node.text("relname")
    for node in tree.find("DropStmt"):
        for item in node.many("objects"):
            parts = item.strings("items")
            if parts:
                yield (parts[-2] if len(parts) > 1 else ""), parts[-1]
