"""Caught exceptions are counted by place, on every server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from kfm_ci.evidence.data_dependence import caught_exceptions
from kfm_ci.evidence.data_dependence.caught_exceptions import HandlerPlace
from kfm_ci.model import Digest
from kfm_ci.postgres.engines.base import Server
from kfm_ci.sql.script import Script, SourceFile

SCHEMA = """
create table t (id int primary key, code text, n int);
create function number() returns void language plpgsql as $$
begin
  update t set n = code::int;
exception when others then null;
end $$;
"""
ROWS = "insert into t values (1, 'a'), (2, '7'), (3, 'b')"
BY_ROW = """do $$
declare r t;
begin
  begin
    create table t ();
  exception when duplicate_table then null;
  end;
  for r in select * from t order by id loop
    begin
      {}update t set n = r.code::int where id = r.id;
    exception when others then null;
    end;
  end loop;
end $$;
"""


def script(text: str) -> Script:
    data = text.encode()
    return Script(file=SourceFile(path="up.sql", data=data, text=text, sha256=Digest.of(data)), text=text)


@contextmanager
def copies(server: Server) -> Iterator[tuple[Connection[Any], Connection[Any], Connection[Any]]]:
    """Yield sessions on a database without rows and on two with the same."""
    names = [server.create_database(f"caught_{number}") for number in range(3)]
    empty, *seeded = [psycopg.connect(server.dsn(name), autocommit=True) for name in names]
    with empty, seeded[0], seeded[1]:
        for connection in (empty, *seeded):
            connection.execute(SCHEMA.encode())
        for connection in seeded:
            connection.execute(ROWS)
        yield empty, seeded[0], seeded[1]
    for name in names:
        server.drop_database(name)


@pytest.mark.parametrize("outside", ["", "vacuum t;\n"])
def test_exceptions_that_rows_cause_are_counted_apart_from_those_that_always_occur(
    server: Server, outside: str
) -> None:
    with copies(server) as (empty, seeded, _):
        (found,) = caught_exceptions.compare_runs(script(outside + BY_ROW.format("")), empty=empty, seeded=seeded)
        assert (found.place, found.times) == (HandlerPlace(function=None, line=10), 2)
        assert seeded.execute("select n from t order by id").fetchall() == [(None,), (7,), (None,)]


def test_a_handler_in_a_function_is_found_with_its_text(server: Server) -> None:
    with copies(server) as (empty, seeded, _):
        (found,) = caught_exceptions.compare_runs(script("select number();"), empty=empty, seeded=seeded)
        assert (found.place, found.times) == (HandlerPlace(function="number()", line=3), 1)
        assert "when others then null" in caught_exceptions.read_definition(found, empty)


def test_the_level_of_messages_is_restored(server: Server) -> None:
    with copies(server) as (empty, seeded, _):
        text = (
            f"set client_min_messages = warning; {BY_ROW.format('')} create table levels as select "
            "current_setting('client_min_messages')"
        )
        caught_exceptions.compare_runs(script(text), empty=empty, seeded=seeded)
        assert seeded.execute("table levels").fetchone() == ("warning",)


def test_the_caught_error_is_reproduced_with_the_servers_message(server: Server) -> None:
    with copies(server) as (empty, seeded, ending):
        text = script("select number();")
        (found,) = caught_exceptions.compare_runs(text, empty=empty, seeded=seeded)
        failed = caught_exceptions.reproduce(text, found, ending)
        assert failed is not None
        assert failed.error == '22P02: invalid input syntax for type integer: "a"'
        assert ending.closed


def test_another_error_that_comes_first_is_not_returned(server: Server) -> None:
    with copies(server) as (empty, seeded, ending):
        text = script(BY_ROW.format(""))
        (found,) = caught_exceptions.compare_runs(text, empty=empty, seeded=seeded)
        assert caught_exceptions.reproduce(text, found, ending) is None


def test_handlers_of_others_are_found_in_scripts_and_routines(server: Server) -> None:
    with copies(server) as (empty, _, _):
        assert caught_exceptions.has_others_handler([], empty)
        empty.execute("drop function number()")
        assert not caught_exceptions.has_others_handler([script("select 1")], empty)
        assert caught_exceptions.has_others_handler([script(BY_ROW.format(""))], empty)
