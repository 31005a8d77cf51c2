"""Reading only what a migration touched gives what reading everything would."""

from __future__ import annotations

import psycopg
import pytest

from kfm_ci.model import Digest, Outcome
from kfm_ci.postgres import data_checksums, run_script
from kfm_ci.sql.script import Script, SourceFile

SCHEMA = """
create type mood as enum ('ok', 'sad');
create type point3 as (x int, y int);
create table parent (id int primary key, name text);
create table child (id int primary key, parent_id int references parent on delete cascade, m mood);
create table log (at serial, what text);
create table spare (id int, p point3);
create function note() returns trigger language plpgsql as $$
  begin insert into log (what) values (tg_op); return null; end $$;
create trigger noted after update on parent for each row execute function note();
create constraint trigger later after insert on child deferrable initially deferred
  for each row execute function note();
insert into parent select n, 'p' || n from generate_series(1, 5) n;
insert into child select n, n, 'ok' from generate_series(1, 5) n;
insert into spare values (1, (1, 2));
"""
WORK = {
    "nothing": "select 1",
    "rows added": "insert into parent values (6, 'six')",
    "a trigger writes elsewhere": "update parent set name = 'x' where id = 1",
    "a cascade deletes elsewhere": "delete from parent where id = 2",
    "a deferred trigger writes at the commit": "insert into child values (7, 1, 'ok')",
    "a value of a type is renamed": "alter type mood rename value 'ok' to 'fine'",
    "a composite type grows": "create type q as (a int); create table uses (q q); insert into uses values (row(1))",
    "a table is emptied": "truncate log; truncate spare",
    "a table is made anew": "drop table spare; create table spare (id int, p point3)",
    "two tables change names": "alter table spare rename to s; alter table log rename to spare; alter table s "
    "rename to log",
    "a column changes its type": "alter table spare alter column id type text using 'n' || id",
    "a column comes with a default": "alter table spare add note text default 'x'",
    "what is undone": "savepoint s; delete from log; delete from child; rollback to s; insert into log (what) "
    "values ('a')",
    "what an exception undoes": "do $$ begin delete from child; raise exception 'no'; exception when others then "
    "null; end $$",
    "a sequence": "select setval('log_at_seq', 40)",
}


@pytest.mark.parametrize("work", WORK.values(), ids=WORK.keys())
def test_reading_what_was_touched_gives_what_reading_everything_gives(database: str, work: str) -> None:
    data = work.encode()
    script = Script(file=SourceFile(path="x.sql", data=data, text=work, sha256=Digest.of(data)), text=work)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(SCHEMA)
        before = data_checksums.snapshot(connection)
        done = run_script.apply(connection, script, traced=True)
        assert done.outcome is Outcome.APPLIED
        assert data_checksums.snapshot(connection, since=before, touched=done.touched) == data_checksums.snapshot(
            connection
        )


def test_tables_that_nobody_touched_are_not_among_the_touched(database: str) -> None:
    text = "insert into log (what) select name from parent"
    script = Script(file=SourceFile(path="x.sql", data=b"", text=text, sha256=Digest.of(b"")), text=text)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(SCHEMA)
        done = run_script.apply(connection, script, traced=True)
        oids = connection.execute("select 'log'::regclass::oid::int8, 'parent'::regclass::oid::int8").fetchone()
    assert oids is not None and done.touched is not None
    assert oids[0] in done.touched and oids[1] not in done.touched


def test_a_script_outside_a_transaction_may_have_touched_everything(database: str) -> None:
    text = "create index concurrently i on log (what)"
    script = Script(file=SourceFile(path="x.sql", data=b"", text=text, sha256=Digest.of(b"")), text=text)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(SCHEMA)
        assert run_script.apply(connection, script, traced=True).touched is None
