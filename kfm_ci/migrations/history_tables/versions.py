"""Tools that note a version or a name, and no checksum."""

from __future__ import annotations

from kfm_ci.migrations.files import Migration
from kfm_ci.migrations.formats import programs
from kfm_ci.migrations.history_tables.base import HistoryTable, by, said

_ROW = "delete its row from the table, once the database is as it was before"


def _stem(item: Migration) -> str:
    return item.up_path.rpartition("/")[2].removesuffix(".sql")


GOLANG_MIGRATE = HistoryTable(
    format="golang-migrate", name="schema_migrations", columns=frozenset({"version", "dirty"}),
    query="select version::text, null, case when dirty then 'failed' else 'applied' end from {table}",
    through=True, told=said(programs.COMMAND_LINES, table=r"x-migrations-table=[\"'%22]*(\w+)"),
    repair="migrate force {previous}, once the database is as it was before version {key} (`migrate force {key}` where somebody has ended it by hand)",
)  # fmt: skip

GOOSE = HistoryTable(
    format="goose", name="goose_db_version", columns=frozenset({"version_id", "is_applied"}),
    query="""
    select version_id::text, null, case when is_applied then 'applied' else 'undone' end
      from {table} where version_id > 0 order by id""",
    told=said(programs.COMMAND_LINES, table=r"(?:GOOSE_TABLE\s*[=:]\s*|goose\b[^\n]*\s-table[ =])[\"']?(?:\w+\.)?(\w+)"), repair=_ROW,
)  # fmt: skip

DBMATE = HistoryTable(
    format="dbmate", name="schema_migrations", columns=frozenset({"version"}),
    query="select version::text, null, 'applied' from {table} order by 1",
    told=said(programs.COMMAND_LINES, table=r"(?:DBMATE_MIGRATIONS_TABLE\s*[=:]\s*|--migrations-table[ =])[\"']?(?:\w+\.)?(\w+)"), repair=_ROW,
)  # fmt: skip

DIESEL = HistoryTable(
    format="diesel", name="__diesel_schema_migrations", columns=frozenset({"version", "run_on"}),
    query="select version, null, 'applied' from {table} order by 1", repair=_ROW,
)  # fmt: skip

SUPABASE = HistoryTable(
    format="supabase", name="supabase_migrations.schema_migrations", columns=frozenset({"version", "statements"}),
    query="select version, null, 'applied' from {table} order by 1",
    repair="supabase migration repair --status reverted {key}",
)  # fmt: skip

NODE_PG_MIGRATE = HistoryTable(
    format="node-pg-migrate", name="pgmigrations", columns=frozenset({"name", "run_on"}),
    query="select name, null, 'applied' from {table} order by run_on, id", keys=by(_stem),
    told=said(programs.COMMAND_LINES, table=r"migrations-table[\"']?[ =:]+[\"']?(\w+)", schema=r"migrations-schema[\"']?[ =:]+[\"']?(\w+)"),
    repair=_ROW,
)  # fmt: skip

SQL_MIGRATE = HistoryTable(
    format="sql-migrate", name="gorp_migrations", columns=frozenset({"id", "applied_at"}),
    query="select id, null, 'applied' from {table} order by applied_at, id", keys=by(lambda item: item.id),
    told=said(("dbconfig.yml",), table=r"^\s+table:\s*[\"']?(\w+)", schema=r"^\s+schema:\s*[\"']?(\w+)"), repair=_ROW,
)  # fmt: skip
