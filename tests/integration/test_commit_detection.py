"""What was rolled back leaves no trace, and what was not rolled back is never taken for untouched."""

from __future__ import annotations

from contextlib import suppress

import psycopg
import pytest

from kfm_ci.postgres import commit_detection

EXCEPTION_BLOCK = (
    "do $$ begin create type mood as enum ('ok'); raise exception 'no'; exception when others then null; end $$"
)


@pytest.mark.parametrize(
    "work", ["create table a (id int)", "savepoint s; create table a (id int); release s", EXCEPTION_BLOCK]
)
def test_what_was_rolled_back_is_known_to_have_left_nothing(database: str, work: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        since = commit_detection.current(connection)
        connection.execute("begin")
        connection.execute(work)
        connection.execute("rollback")
        assert commit_detection.is_unchanged(connection, since)


def test_what_was_committed_is_doubt(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        since = commit_detection.current(connection)
        connection.execute("create table a (id int)")
        assert not commit_detection.is_unchanged(connection, since)


def test_what_another_session_commits_meanwhile_is_doubt(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection, psycopg.connect(database, autocommit=True) as other:
        since = commit_detection.current(connection)
        connection.execute("begin")
        connection.execute("create table a (id int)")
        other.execute("create table b (id int)")
        connection.execute("rollback")
        assert not commit_detection.is_unchanged(connection, since)


def test_a_transaction_that_is_still_open_is_doubt(database: str) -> None:
    with psycopg.connect(database) as other, psycopg.connect(database, autocommit=True) as connection:
        other.execute("create table b (id int)")
        since = commit_detection.current(connection)
        other.commit()
        assert not commit_detection.is_unchanged(connection, since)


def test_a_statement_that_failed_left_nothing(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        since = commit_detection.current(connection)
        with suppress(psycopg.Error):
            connection.execute("create table a (id nosuch)")
        assert commit_detection.is_unchanged(connection, since)
