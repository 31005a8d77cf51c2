"""Checksums of rows: any change of what was there shows, and nothing else does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from kfm_ci.postgres import data_checksums
from kfm_ci.postgres.data_checksums import TableDifference, compare, snapshot


@pytest.fixture
def connection(database: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database, autocommit=True) as opened:
        opened.execute("create table t (id serial primary key, name text, size integer, at timestamptz)")
        opened.execute("insert into t (name, at) select 'n' || i, '2020-01-01Z' from generate_series(1, 10) i")
        opened.execute("create table nothing ()")
        yield opened


def differences(connection: psycopg.Connection[Any], statement: str) -> tuple[TableDifference, ...]:
    before = snapshot(connection)
    connection.execute(statement)
    return compare(before, snapshot(connection, like=before)).tables


@pytest.mark.parametrize(
    "statement",
    [
        "alter table t add colour text default 'red'",
        "create table later (a integer); insert into later values (1)",
        "create table moved as table t; truncate t; insert into t select * from moved order by id desc",
        "alter table t drop size; alter table t add size integer",
        "set timezone = 'Asia/Tokyo'; set datestyle = 'German'",
        "select nextval('t_id_seq')",
    ],
)
def test_what_leaves_the_rows_of_before_alone_is_no_difference(
    connection: psycopg.Connection[Any], statement: str
) -> None:
    before = snapshot(connection)
    connection.execute(statement)
    assert compare(before, snapshot(connection, like=before)).empty


def test_changed_values_are_counted_and_their_columns_named(connection: psycopg.Connection[Any]) -> None:
    assert differences(connection, "update t set name = upper(name) where id <= 3") == (
        TableDifference(name="public.t", columns=("name",), lost=3, gained=3),
    )


def test_values_swapped_between_rows_are_seen_though_each_column_sums_up_the_same(
    connection: psycopg.Connection[Any],
) -> None:
    statement = "update t set name = case id when 1 then 'n2' else 'n1' end where id in (1, 2)"
    assert differences(connection, statement) == (TableDifference(name="public.t", lost=2, gained=2),)


def test_nulls_that_got_a_value_lose_nothing(connection: psycopg.Connection[Any]) -> None:
    (found,) = differences(connection, "update t set size = 1 where id > 4")
    assert (found.filled, found.columns, found.lost) == (True, ("size",), 6)


def test_values_overwritten_beside_nulls_that_were_filled_are_a_loss(connection: psycopg.Connection[Any]) -> None:
    connection.execute("update t set size = 1 where id = 1")
    (found,) = differences(connection, "update t set size = 2")
    assert (found.filled, found.lost) == (False, 10)


def test_deleted_rows_added_rows_and_a_dropped_table_are_told_apart(connection: psycopg.Connection[Any]) -> None:
    (deleted,) = differences(connection, "delete from t where id = 1")
    assert (deleted.lost, deleted.gained, deleted.missing) == (1, 0, False)
    (added,) = differences(connection, "insert into t (name) values ('new')")
    assert (added.lost, added.gained) == (0, 1)
    (dropped,) = differences(connection, "drop table t")
    assert (dropped.lost, dropped.missing) == (10, True)


def test_a_column_that_is_gone_or_came_back_empty_is_named(connection: psycopg.Connection[Any]) -> None:
    (emptied,) = differences(connection, "alter table t drop name; alter table t add name text")
    assert (emptied.columns, emptied.lost) == (("name",), 10)
    (gone,) = differences(connection, "alter table t drop at")
    assert (gone.columns, gone.lost) == (("at",), 10)


def test_a_sequence_that_went_backwards_is_named(connection: psycopg.Connection[Any]) -> None:
    before = snapshot(connection)
    connection.execute("alter sequence t_id_seq restart")
    assert compare(before, snapshot(connection, like=before)).sequences == ("public.t_id_seq",)


def test_rows_that_row_security_hides_are_unread_and_never_called_equal(connection: psycopg.Connection[Any]) -> None:
    connection.execute("create table secret (a integer); alter table secret enable row level security")
    with connection.transaction(force_rollback=True):
        connection.execute("create role kfm_reader_of_rows; grant select on secret to kfm_reader_of_rows")
        connection.execute("grant usage on schema public to kfm_reader_of_rows; set local role kfm_reader_of_rows")
        taken = snapshot(connection)
        assert "public.secret" in taken.unread
        assert not compare(taken, taken).empty


def test_a_table_that_cannot_be_computed_does_not_hide_the_others(connection: psycopg.Connection[Any]) -> None:
    connection.execute("create type odd as enum ('a'); create table broken (a odd)")
    connection.execute("insert into broken values ('a')")
    # The label is gone from the catalog: printing the value fails, as for any damaged value.
    connection.execute("delete from pg_enum where enumtypid = 'odd'::regtype")
    taken = snapshot(connection)
    assert taken.unread == ("public.broken",)
    assert taken.table("public.t") is not None


def test_above_the_limit_a_difference_is_seen_without_a_count(
    connection: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(data_checksums, "ROW_LIMIT", 5)
    (found,) = differences(connection, "update t set name = 'x' where id = 1")
    assert (found.columns, found.lost) == (("name",), None)
