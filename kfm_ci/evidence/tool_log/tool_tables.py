"""The tables in which a foreign tool notes what it ran: no part of the schema, and no statement on them is judged."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from psycopg import sql

from kfm_ci.migrations.model import Tool
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


_FORGET = """
delete from {} t
 where (select array_agg(value #>> '{{}}') from jsonb_each(to_jsonb(t)) where jsonb_typeof(value) = 'string') @> %s::text[]
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolTables:
    """Names of a tool's own tables, in lower case; ``*`` stands for any rest, as in ``schema.*``."""

    names: frozenset[str]
    aftermath: frozenset[str] = frozenset()
    """Tables that the tool itself fills after the last migration: what it sends of them then is no migration's."""

    @classmethod
    def of(cls, tool: Tool) -> ToolTables:
        """Return what a tool keeps: its history table, the lock beside it, and what the format knows of."""
        # a name that is configured is no pattern: it must not hide other tables
        table = glob.escape(tool.history_table.lower())
        return cls(
            names=frozenset({table, f"{table}_lock", f"{table}lock", *(name.lower() for name in tool.own_tables)}),
            aftermath=frozenset(name.lower() for name in tool.tables_filled_afterwards),
        )

    def holds(self, schema: str, table: str) -> bool:
        """Whether a table is one of them; an empty schema is one that was not said."""
        schema, table = schema.lower(), table.lower()
        for name in self.names:
            space, _, plain = name.rpartition(".")
            if plain == "*" and space != schema:
                continue
            if fnmatchcase(table, plain) and (not space or not schema or space == schema):
                return True
        return False

    def concerns(self, text: str) -> bool:
        """Whether a statement is about these tables and no other."""
        lower = text.lower()
        if not any(name.rpartition(".")[2].strip("*") in lower for name in self.names):
            return False
        named = _mentioned(text)
        return bool(named) and all(self.holds(*pair) for pair in named)

    def notes(self, text: str) -> bool:
        """Whether a statement on them may tell of a migration: the lock beside the history tells of none."""
        return not all(table.lower().endswith("lock") for _, table in _mentioned(text))

    def follows(self, text: str) -> bool:
        """Whether a statement is about tables that the tool itself fills after the last migration, and no other."""
        named = _mentioned(text) if self.aftermath else []
        return bool(named) and all(table.lower() in self.aftermath for _, table in named)

    def drop(self, existing: list[tuple[str, str, str]]) -> sql.Composed | None:
        """Return the statement that takes them out of a copy, of what there is; None when there is nothing."""
        names = [sql.Identifier(schema, table) for _, schema, table in existing if self.holds(schema, table)]
        return sql.SQL("drop table if exists {} cascade").format(sql.SQL(", ").join(names)) if names else None


def noted(session: Session, tool: Tool) -> str:
    """Return what a tool's history table holds, as one text; empty when there is no such table."""
    schema, _, table = tool.history_table.rpartition(".")
    found = session.execute(_HISTORY, [table, schema, schema]).fetchone()
    if found is None:
        return ""
    query = sql.SQL("select coalesce(string_agg(t::text, e'\\n' order by t::text), '') from {} t")
    row = session.execute(query.format(sql.Identifier(*found))).fetchone()
    return str(row[0]) if row else ""


def forget(session: Session, tool: Tool, names: Iterable[tuple[str, ...]]) -> None:
    """Take the tool's notes of some migrations out of its history table: those rows whose values hold all the names of one."""
    schema, _, table = tool.history_table.rpartition(".")
    found = session.execute(_HISTORY, [table, schema, schema]).fetchone()
    if found is not None:
        statement = sql.SQL(_FORGET).format(sql.Identifier(*found))
        for words in names:
            session.execute(statement, [list(words)])


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
