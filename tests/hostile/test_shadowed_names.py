"""No function, operator, cast or type of a migration is used by a session of the administrator.

The shadows are generated: of every word in kfm-ci's texts that names a function or a type of the server, and of every
operator. Each stands in every schema that a search path can reach, for types that fit kfm-ci's calls better than
PostgreSQL's own. One that is called with a superuser's rights writes a file.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from kfm_ci.postgres.engines import installations
from kfm_ci.postgres.engines.base import OWNER, Server
from kfm_ci.postgres.engines.embedded import EmbeddedEngine
from tests.hostile.conftest import BASE, BASE_DOWN, FIRST, SECOND, PullRequest, migration

PACKAGE = Path(__file__).resolve().parents[2] / "kfm_ci"
MAJORS = sorted({item.major for item in installations.find()})
SCHEMAS = ("public", "evil", OWNER, "kfm_admin")
CATALOGS = (
    "pg_proc",
    "pg_class",
    "pg_type",
    "pg_authid",
    "pg_publication",
    "pg_collation",
    "pg_statistic_ext",
    "pg_range",
)
BETTER = {"text": ("name", "varchar", '"char"'), "bigint": ("integer", "oid"), "integer": ("smallint", "oid")}
"""Types of arguments that PostgreSQL must convert for its own function, so that the shadow fits better."""

SIGNATURES = """
select distinct p.proname::text, p.prokind::text,
       array(select format_type(t, null) from unnest(p.proargtypes) with ordinality u(t, n) order by n)
  from pg_proc p
 where p.pronamespace = 'pg_catalog'::regnamespace and p.proname = any (%s) and p.pronargs between 1 and 4
   and not exists (select from unnest(p.proargtypes) t where t in ('internal'::regtype, 'cstring'::regtype))
"""
OPERATORS = """
select distinct o.oprname::text, format_type(o.oprleft, null), format_type(o.oprright, null) from pg_operator o
 where o.oprleft in ('name'::regtype, 'text'::regtype, 'oid'::regtype, 'bigint'::regtype, 'anyarray'::regtype)
   and o.oprright in ('name'::regtype, 'text'::regtype, 'oid'::regtype, 'bigint'::regtype, 'anyarray'::regtype)
"""
TYPES = "select typname::text from pg_type where typnamespace = 'pg_catalog'::regnamespace and typname = any (%s)"
RECORD = """
create function public.kfm_shadow(what text) returns text language plpgsql set search_path = pg_catalog as $f$
begin
  if current_setting('is_superuser') = 'on' then
    execute format('copy (select %L) to program %L', what, 'cat >> {mark}');
  end if;
  return null;
end $f$;
"""


def words_of_texts() -> list[str]:
    """Return every word in a text of the package: it contains the names in all of its SQL."""
    found: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.update(re.findall(r"[a-z_][a-z0-9_]*", node.value))
    return sorted(found)


def _variants(types: list[str]) -> Iterable[tuple[str, ...]]:
    """Yield lists of arguments that a call with these types may prefer."""
    yield tuple(types)
    for number, name in enumerate(types):
        better = CATALOGS if name.startswith("any") and len(types) == 1 else BETTER.get(name, ())
        for other in better:
            yield (*types[:number], other, *types[number + 1 :])


def _quoted(types: Iterable[str]) -> str:
    return ", ".join(f"pg_catalog.{name}" if name in CATALOGS else name for name in types)


def shadows(server: Server) -> tuple[str, int]:
    """Return the statements that create the shadows, and their number; those that the server rejects are left out."""
    created: list[str] = []
    name = server.create_database("shadows")
    words = words_of_texts()
    with server.connect_as_administrator() as administrator:
        signatures = administrator.execute(SIGNATURES, [words]).fetchall()
        operators = administrator.execute(OPERATORS).fetchall()
        types = [row[0] for row in administrator.execute(TYPES, [words]).fetchall()]
    wanted = [
        f'create function {schema}."{function}"({_quoted(arguments)}) returns pg_catalog.text language sql'
        f" as $q$ select public.kfm_shadow('{schema}.{function}({', '.join(arguments)})') $q$;"
        for schema in SCHEMAS
        for function, _, listed in signatures
        for arguments in dict.fromkeys(_variants(listed))
    ]
    for number, (operator, left, right) in enumerate(operators):
        for schema in SCHEMAS:
            wanted.append(
                f"create function {schema}.shadow_{number}({left}, {right}) returns pg_catalog.bool language sql"
                f" as $q$ select public.kfm_shadow('{schema}.{operator}') is null $q$;"
                f"create operator {schema}.{operator} (leftarg = {left}, rightarg = {right},"
                f" function = {schema}.shadow_{number});"
            )
    wanted += [
        f"""create domain {schema}."{kind}" as pg_catalog.text check (public.kfm_shadow('{schema}.{kind}') is null);"""
        for schema in SCHEMAS
        for kind in types
    ]
    start = "".join(f"create schema if not exists {schema};" for schema in SCHEMAS)
    with psycopg.connect(server.dsn(name), autocommit=True, options="-c search_path=pg_catalog") as owner:
        owner.execute((start + RECORD.replace("{mark}", "/dev/null")).encode())
        for statement in wanted:
            try:
                with owner.transaction():
                    owner.execute(statement.encode())
            except psycopg.Error:
                continue
            created.append(statement)
    server.drop_database(name)
    return start + "\n" + "\n".join(created), len(created)


@pytest.fixture(params=MAJORS, ids=lambda major: f"pg{major}")
def major(request: pytest.FixtureRequest) -> int:
    """Each version on this machine."""
    return int(request.param)


def test_known_names_are_collected() -> None:
    words = set(words_of_texts())
    assert {"to_jsonb", "lower", "set_config", "pg_get_expr", "hashtextextended", "string_agg", "regclass"} <= words


def test_no_shadow_runs_with_the_rights_of_a_superuser(pull_request: PullRequest, tmp_path: Path, major: int) -> None:
    folder = Path("/dev/shm") if Path("/dev/shm").is_dir() else tmp_path  # noqa: S108
    mark = folder / f"kfm-shadow-{tmp_path.name}-{major}"
    with EmbeddedEngine(major=major).start() as server:
        text, count = shadows(server)
        assert count > 1000
        _require_that_shadows_work(server, text, mark)
    setting = (
        "do $do$ begin execute pg_catalog.format("
        "'alter database %I set search_path = evil, public, pg_catalog', pg_catalog.current_database()); end $do$;"
    )
    pull_request.write(migration(FIRST, BASE, BASE_DOWN))
    second = "20240102000000__shadows"
    pull_request.write(migration(second, RECORD.replace("{mark}", str(mark)) + text + setting, "select 1;"))
    pull_request.write({"kfm-ci.toml": f"[database]\npostgres-version = {major}\n"})
    pull_request.commit()
    pull_request.write(migration(SECOND, "alter table public.orders add column paid_on pg_catalog.date;", "select 1;"))
    verdict = pull_request.gate()
    assert not mark.exists(), mark.read_text()
    assert verdict.code in {0, 1}, verdict.output
    assert [item["apply"]["outcome"] for item in verdict.report["migrations"] if item["new"]] == ["applied"]


def _require_that_shadows_work(server: Server, text: str, mark: Path) -> None:
    """Require that a superuser with the settings of the database calls a shadow, so that the test can fail."""
    name = server.create_database("control")
    with psycopg.connect(server.dsn(name), autocommit=True, options="-c search_path=pg_catalog") as owner:
        owner.execute((RECORD.replace("{mark}", str(mark)) + text).encode())
        owner.execute(
            sql.SQL("alter database {} set search_path = evil, public, pg_catalog").format(sql.Identifier(name))
        )
    with psycopg.connect(server.dsn(name, admin=True), autocommit=True) as careless:
        careless.execute("select to_jsonb(p) from pg_catalog.pg_proc p limit 1")
        careless.execute("select lower(p.proname) from pg_catalog.pg_proc p limit 1")
    assert mark.exists()
    mark.unlink()
