"""Sessions of the administrator keep their own settings, whatever a migration set for its database or role."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from kfm_ci.postgres import administrator
from kfm_ci.postgres.engines.base import Server

HOSTILE = {
    "search_path": "evil, public, pg_catalog",
    "role": "{owner}",
    "client_encoding": "sql_ascii",
    "standard_conforming_strings": "off",
    "transform_null_equals": "on",
    "statement_timeout": "1ms",
    "lock_timeout": "1ms",
    "default_transaction_read_only": "on",
    "default_transaction_isolation": "serializable",
    "row_security": "off",
    "local_preload_libraries": "missing",
    "datestyle": "sql, dmy",
    "intervalstyle": "iso_8601",
    "bytea_output": "escape",
    "quote_all_identifiers": "on",
    "check_function_bodies": "off",
    "enable_seqscan": "off",
    "plan_cache_mode": "force_custom_plan",
    "default_table_access_method": "missing",
    "default_tablespace": "missing",
    "idle_in_transaction_session_timeout": "1ms",
    "array_nulls": "off",
    "xmlbinary": "hex",
    "extra_float_digits": "-15",
    "client_min_messages": "debug5",
    "password_encryption": "md5",
}


@pytest.mark.parametrize("target", ["database", "role", "role in database"])
def test_settings_of_the_database_and_the_role_are_ignored(server: Server, database: str, target: str) -> None:
    name = conninfo_to_dict(database)["dbname"]
    user = "kfm_admin"
    with administrator.connect(database) as session:
        usual = _settings(session)
        for setting, value in HOSTILE.items():
            words = sql.SQL(
                {
                    "database": "alter database {0} set {2} = {3}",
                    "role": "alter role {1} set {2} = {3}",
                    "role in database": "alter role {1} in database {0} set {2} = {3}",
                }[target]
            )
            listed = setting in {"search_path", "datestyle", "local_preload_libraries"}
            shown = sql.SQL(value) if listed else sql.Literal(value.format(owner=server.owner))
            session.execute(words.format(sql.Identifier(name), sql.Identifier(user), sql.Identifier(setting), shown))
    try:
        with administrator.connect(database) as session:
            assert _settings(session) == usual
            assert session.execute("select session_user, current_user").fetchone() == (user, user)
            assert session.info.encoding == "utf-8"
    finally:
        with psycopg.connect(
            database,
            options="-c role=none -c default_transaction_read_only=off -c local_preload_libraries=",
            autocommit=True,
        ) as session:
            if target != "database":
                session.execute("alter role kfm_admin reset all")
                session.execute(sql.SQL("alter role kfm_admin in database {} reset all").format(sql.Identifier(name)))


def test_names_are_found_in_pg_catalog_and_temporary_objects_come_last(database: str) -> None:
    with administrator.connect(database) as session:
        session.execute("create temporary table pg_class (oid oid)")
        assert session.execute("select count(*) > 0 from pg_class").fetchone() == (True,)
        session.execute("create function public.to_jsonb(pg_proc) returns jsonb language sql return '1'::jsonb")
        session.execute("create function public.lower(name) returns text language sql return 'shadow'")
        query = "select to_jsonb(p) is not null, lower(p.proname) from pg_proc p where proname = 'lower' limit 1"
        assert session.execute(query).fetchone() == (True, "lower")


def _settings(session: psycopg.Connection) -> dict[str, str]:
    names = [*HOSTILE, *administrator.OPTIONS]
    rows = session.execute("select name, setting from pg_settings where name = any (%s)", [names]).fetchall()
    return dict(rows)
