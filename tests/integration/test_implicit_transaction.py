"""A file that its tool sends as one message has the transactions that the server gives such a message."""

from __future__ import annotations

import psycopg
import pytest

from kfm_ci.model import Digest, Mode, Outcome
from kfm_ci.postgres import run_script, session
from kfm_ci.sql.script import Script, SourceFile


class Looker:
    """Stands in for an observer, so that statements are sent one by one."""

    def before(self, connection, statement):
        pass

    def after(self, connection, statement, *, duration_ms, rows, error):
        pass


@pytest.mark.parametrize(
    "text",
    [
        "create table a (); create table b ();",
        "create table a (); create table a ();",
        "begin; create table a (); commit; create table b (); create table b ();",
        "create table a (); begin; create table b (); commit; create table c (); create table c ();",
        "create table a (); rollback; create table b ();",
        "begin; create table a (); commit;",
        "create table a (id int); create index concurrently i on a (id);",
        "create table a (); commit; create table b (); vacuum;",
    ],
)
def test_statement_by_statement_leaves_what_one_message_leaves(server, text):
    """The server's own reading of the message is the measure."""

    def tables(name):
        with psycopg.connect(server.dsn(name, admin=True)) as connection:
            return [
                row[0]
                for row in connection.execute(
                    "select relname from pg_class where relnamespace = 'public'::regnamespace order by 1"
                )
            ]

    plain, watched = server.create_database("message_plain"), server.create_database("message_watched")
    with psycopg.connect(server.dsn(plain), autocommit=True) as connection:
        connection.execute("set client_min_messages = error")
        try:
            connection.pgconn.exec_(text.encode())
            failed = connection.pgconn.error_message != b""
        finally:
            connection.close()
    file = SourceFile(path="a.sql", data=text.encode(), text=text, sha256=Digest.of(text.encode()))
    with psycopg.connect(server.dsn(watched), autocommit=True) as connection:
        done = run_script.apply(connection, Script(file=file, text=text, implicit_transaction=True), watcher=Looker())
    assert (done.outcome is Outcome.FAILED) == failed
    assert tables(watched) == tables(plain)
    for name in (plain, watched):
        server.drop_database(name)


def test_a_transaction_that_is_never_ended_is_told_with_its_line(server):
    text = "-- one\nbegin;\ncreate table a ();\n"
    file = SourceFile(path="a.sql", data=text.encode(), text=text, sha256=Digest.of(text.encode()))
    name = server.create_database("message_open")
    with psycopg.connect(server.dsn(name), autocommit=True) as connection:
        done = run_script.apply(connection, Script(file=file, text=text, implicit_transaction=True))
    server.drop_database(name)
    assert done.outcome is Outcome.FAILED and done.escaped and done.line == 2
    assert "leaves a transaction open" in str(done.error)


@pytest.mark.parametrize("looker", [None, Looker()], ids=["plain", "watched"])
@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("create table a ();\ncommit;\nbegin;\ncreate table b ();", 2),
        ("create table a ();\nEnd AND chain;\ncreate table b ();", 2),
        ("create table a ();\n/* */rollback;start transaction;", 2),
        ("create table a ();\ncommit", 2),
        ("savepoint s; create table b ();\nrollback to s;\ncreate table a ();", None),
        ("do $$ begin\n  perform 1;\nend $$;\ncreate table a ();", None),
        ("create table a (id int unique deferrable initially deferred);\ninsert into a values (1), (1);", 0),
    ],
)
def test_a_file_that_leaves_the_transaction_it_was_given_is_told_and_one_that_only_speaks_of_it_is_not(
    server, text, line, looker
):
    file = SourceFile(path="a.sql", data=text.encode(), text=text, sha256=Digest.of(text.encode()))
    name = server.create_database("message_left")
    with psycopg.connect(server.dsn(name), autocommit=True) as connection:
        done = run_script.apply(connection, Script(file=file, text=text, mode=Mode.TRANSACTION), watcher=looker)
        kept = connection.execute("select to_regclass('a') is not null").fetchone() == (True,)
    server.drop_database(name)
    assert done.escaped == bool(line)
    if line == 0:
        assert done.sqlstate == "23505" and not kept
    elif line:
        assert done.outcome is Outcome.FAILED and done.line == line
    else:
        assert done.outcome is Outcome.APPLIED and kept


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("select 1;\nselect nope;\n", 'column "nope" does not exist', 2),
        ("select 1;\nselect 'ab\n", 'unterminated quoted string at or near "\'ab\n"', 2),
        ("create table a ();\n/* it goes on", 'unterminated /* comment at or near "/* it goes on"', 2),
        (
            "create table a (id int unique deferrable initially deferred);\ninsert into a values (1), (1);",
            "duplicate key",
            None,
        ),
        ("create table a ();\nselect 1 / 0; -- by nothing", "division by zero", None),
        ("create table a ();\n-- the end", None, None),
    ],
)
def test_what_its_runner_wraps_is_kept_whole_or_not_at_all_and_an_error_speaks_of_the_file_alone(
    server, database, text, message, line
):
    file = SourceFile(path="a.sql", data=text.encode(), text=text, sha256=Digest.of(text.encode()))
    with psycopg.connect(database, autocommit=True) as connection:
        done = run_script.apply(connection, Script(file=file, text=text, mode=Mode.TRANSACTION))
        there = connection.execute("select to_regclass('a') is not null").fetchone()[0]
    if message is None:
        assert done.outcome is Outcome.APPLIED and there
    else:
        assert done.outcome is Outcome.FAILED and message in done.error and "commit" not in done.error and not there
        assert line is None or done.line == line


@pytest.mark.parametrize(
    ("text", "sqlstate"),
    [
        ("create table a (); create function f() returns int language plpgsql as $$ begin return 1; end $$;", None),
        ("create table a (id int); copy (select 1 from a) to stdin; insert into a values (1);", None),
        ("create table a (id int); COPY a (id) FROM STDIN;\n1\n2\n\\.\ninsert into a values (3);", None),
        ("create table a (id int); copy a from stdin;", None),
        ("create table a (id int); copy a from stdin;\nx\n\\.\n", "22P02"),
        ("create table a (); select 1 / 0;", "22012"),
        ("create table a (id int unique deferrable initially deferred); insert into a values (1), (1);", "23505"),
    ],
)
def test_a_base_that_is_sent_at_once_ends_as_one_that_is_watched(server, text, sqlstate):
    """The session goes on afterwards, whatever became of the file."""
    file = SourceFile(path="a.sql", data=text.encode(), text=text, sha256=Digest.of(text.encode()))
    outcomes = []
    for name, watcher in (("base_at_once", None), ("base_watched", Looker())):
        with psycopg.connect(server.dsn(server.create_database(name)), autocommit=True) as connection:
            done = run_script.apply(connection, Script(file=file, text=text), watcher=watcher)
            session.reset(connection, observed=False)
            kept = connection.execute("select to_regclass('a') is not null").fetchone()
            outcomes.append((done.outcome, done.sqlstate, kept))
            assert done.sqlstate == sqlstate
    assert outcomes[0] == outcomes[1]
