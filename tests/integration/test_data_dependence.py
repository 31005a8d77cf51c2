"""Offending rows of a failed statement: their description, and a query for production that finds only these."""

from __future__ import annotations

import re

import psycopg
import pytest

from kfm_ci.evidence.data_dependence import diagnose
from kfm_ci.evidence.data_dependence.model import Dependence
from kfm_ci.model import Digest, Outcome
from kfm_ci.postgres import run_script
from kfm_ci.postgres.engines.base import Server
from kfm_ci.sql.script import Script, SourceFile

SCHEMA = """
create table parents (id int primary key);
create table "Odd Table" (id int primary key, name text, n int, "Big One" bigint,
  room int, during int4range, parent int);
"""
ROWS = """
insert into "Odd Table" values (1, null, 0, 5000000000, 1, '[1,5)', 7), (2, 'a', 1, 1, 1, '[4,9)', null),
  (3, 'a', 2, 2, 2, '[1,5)', null), (4, 'long enough', -3, 3, 1, '[20,22)', null);
"""

CASES = [
    ("alter column name set not null", "1 of 4", "have NULL in name", 1),
    ("add unique (name)", "2 of 4", "share their name", 1),
    ("add check (n >= 0)", "1 of 4", "violate check constraint", 1),
    ("add foreign key (parent) references parents", "1 of 4", "refer by parent to no row of public.parents", 1),
    ('alter column "Big One" type int', "1 of 4", 'have a value in "Big One" that integer does not accept', 1),
    ("alter column name type varchar(3)", "1 of 4", "that character varying(3) does not accept", 1),
    ("add column fresh int not null", "4 of 4", "have no value for the new column fresh", 4),
    ("add exclude using gist (during with &&)", "3 of 4", "conflict under exclusion constraint", 3),
    ("add exclude using gist (int4range(room, room, '[]') with =, during with &&)", "2 of 4", "conflict", 1),
    ("add exclude using gist (during with &&) where (id > 1)", "2 of 4", "conflict", 1),
]


def failing(server: Server, text: str) -> tuple[Dependence, psycopg.Connection]:
    """Run a migration on rows; return its diagnosis, and a connection to the database with the rows."""
    with_rows, without = server.create_database("with_rows"), server.create_database("without_rows")
    data = text.encode()
    script = Script(file=SourceFile(path="up.sql", data=data, text=text, sha256=Digest.of(data)), text=text)
    before = psycopg.connect(server.dsn(with_rows), autocommit=True)
    before.execute((SCHEMA + ROWS).encode())
    with psycopg.connect(server.dsn(without), autocommit=True) as after:
        after.execute(SCHEMA.encode())
        assert run_script.apply(after, script).outcome is Outcome.APPLIED
        failed = run_script.apply(before, script)
        assert failed.outcome is Outcome.FAILED
        return diagnose(failed, before=before, after=after), before


@pytest.mark.parametrize("inside", ["alter table {}", "do $$ begin execute 'select 1'; alter table {}; end $$"])
@pytest.mark.parametrize(("action", "share", "shape", "answer"), CASES)
def test_the_query_for_production_finds_the_rows_that_fail(
    server: Server, action: str, share: str, shape: str, answer: int, inside: str
) -> None:
    found, before = failing(server, inside.format(f'"Odd Table" {action}'))
    try:
        assert f'{share} synthetic rows of public."Odd Table"' in found.message
        assert shape in found.message
        query = re.search(r"If `([^`]+)` finds none in production", found.help)
        assert query is not None, found.help
        rows = before.execute(query[1].encode()).fetchall()
        # a query for duplicates returns them, the others count
        assert (rows[0][0] if len(rows[0]) == 1 else len(rows)) == answer
    finally:
        before.close()
        for name in ("with_rows", "without_rows"):
            server.drop_database(f"{server.prefix}{name}")
