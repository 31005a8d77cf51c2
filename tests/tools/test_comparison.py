"""One history run by the tool and by kfm-ci: same schema, same transactions, same state after a failure."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from compared import by_us, state
from histories import CACHE, TOOLS, Address, Step

from kfm_ci.config import MigrationsTable
from kfm_ci.migrations import detection, history_tables
from kfm_ci.migrations.formats import ALL as FORMATS
from kfm_ci.migrations.history_tables import compare
from kfm_ci.migrations.work_tree import WorkTree
from kfm_ci.postgres import history_table

NOTE = "insert into borders values ('{0}', pg_current_xact_id()::text);\n"
FIRST = Step(
    "create table borders (step text, xact text);\ncreate table a (id int primary key, v text);\n"
    + NOTE.format("1") * 2,
    "drop table a;\ndrop table borders;",
)
BODY = Step(
    (
        "create function f() returns int language plpgsql as $$\nbegin\n  perform 1; -- a ; in a comment\n"
        "  return 1;\nend $$;"
    ),
    "drop function f();",
)
NOTED = Step(NOTE.format("3") * 2 + "alter table a add column w text default 'a;b';\n", "alter table a drop column w;")
BUILD = Step("create index concurrently a_v on a (v);", "drop index concurrently a_v;", outside=True)
LAST = Step(NOTE.format("5") + "comment on table a is 'x';\n" + NOTE.format("5"), "comment on table a is null;")
BROKEN = Step("create table z (id int);\nalter table nowhere add column b int;\n", "drop table z;")
ABSENT = [tool.name for tool in TOOLS if not tool.there]


@pytest.fixture(scope="module", params=TOOLS, ids=lambda tool: tool.name)
def tool(request):
    if not request.param.there:
        pytest.skip(f"NOT COMPARED: {request.param.name} is not installed under {CACHE}; run `make test-tools`")
    return request.param


@dataclass(frozen=True)
class Ran:
    """The database after the tool's run."""

    root: Path
    database: str
    ended: bool
    said: str


@pytest.fixture(scope="module")
def whole(tool, server, tmp_path_factory):
    """The tool ran a valid history."""
    return ran(tool, server, tmp_path_factory.mktemp("whole") / "m", steps(tool), "whole")


@pytest.fixture(scope="module")
def broken(tool, server, tmp_path_factory):
    """The tool ran the history and a last file whose second statement fails."""
    return ran(tool, server, tmp_path_factory.mktemp("broken") / "m", steps(tool, BROKEN), "broken")


def ran(tool, server, root, history, name):
    write(tool, root, history)
    return Ran(root, *by_the_tool(tool, server, root, name))


def steps(tool, *more):
    return [FIRST, BODY, NOTED, *((BUILD,) if tool.outside else ()), LAST, *more]


def write(tool, root, history):
    root.mkdir()
    for number, step in enumerate(history, 1):
        tool.write(root, number, step)


def by_the_tool(tool, server, root, name):
    database = server.create_database(name)
    to = Address(
        url=f"postgres://{server.owner}:{server.owner_password}@127.0.0.1:{server.port}/{database}?sslmode=disable",
        jdbc=f"jdbc:postgresql://127.0.0.1:{server.port}/{database}",
        user=server.owner,
        password=server.owner_password,
        host="127.0.0.1",
        port=str(server.port),
        database=database,
    )
    environment = {**os.environ, **tool.environment, "DATABASE_URL": to.url}
    done = subprocess.run(
        tool.command(root, to), cwd=root, env=environment, capture_output=True, text=True, timeout=110, check=False
    )
    return database, done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def test_the_same_history_gives_the_same_schema_and_the_same_transactions(tool, server, whole):
    assert whole.ended, whole.said
    ours, ended, said = by_us(tool, server, whole.root, "ours")
    assert ended, said
    (schema, borders), (expected, their_borders) = state(tool, server, ours), state(tool, server, whole.database)
    assert schema == expected and "table public.a" in schema
    assert borders == their_borders
    if tool.together:
        assert {number for _, number in their_borders} == {0}


def test_a_failing_file_leaves_what_the_tool_leaves(tool, server, broken):
    assert not broken.ended, broken.said
    ours, ended, _ = by_us(tool, server, broken.root, "ours")
    assert not ended
    assert state(tool, server, ours) == state(tool, server, broken.database)
    assert bool([name for name in state(tool, server, ours)[0] if "public.a" in name]) is not tool.together


@pytest.mark.parametrize("then", ["", BROKEN.up], ids=["whole", "broken"])
@pytest.mark.parametrize("opens", ["", "begin;\n"], ids=["commit", "begin and commit"])
def test_a_file_that_commits_midway_leaves_what_the_tool_leaves(tool, server, tmp_path, opens, then):
    text = f"create table b (id int);\n{opens}create table c (id int);\ncommit;\ncreate table d (id int);\n{then}"
    if tool.name == "drizzle":
        text = text.replace(";\n", ";--> statement-breakpoint\n")
    left = Step(text, "drop table b;")
    name = f"left_{len(opens)}_{len(then)}"
    theirs = ran(tool, server, tmp_path / "m", [FIRST, left], name)
    ours, ended, said = by_us(tool, server, theirs.root, f"ours_{name}")
    # Supabase also continues after a file that begins a second transaction and never commits it; its changes are lost
    assert ended == theirs.ended or tool.name == "supabase", (said, theirs.said)
    assert {entry for entry in state(tool, server, ours)[0] if entry.startswith("table ")} == {
        entry for entry in state(tool, server, theirs.database)[0] if entry.startswith("table ")
    }


def noted(tool, server, root, database):
    history = detection.by_name(tool.name).load(WorkTree(root.parent), root.name, MigrationsTable())
    table = history_tables.of(tool.name)
    name = table.named(WorkTree(root.parent), root.name)
    with psycopg.connect(server.dsn(database, admin=True), autocommit=True) as connection:
        rows = history_table.read(connection, table, name, keys=set(table.keys(history).values()))
    assert rows is not None, f"{name} is not there"
    return history, rows, compare.compare(table, rows, history, name=name, place="x")


def test_the_tool_s_own_table_is_made_as_the_tool_makes_it(tool, server, whole):
    table = history_tables.of(tool.name)
    if not table.definition:
        return
    ours = server.create_database("own")
    name = table.named(WorkTree(whole.root.parent), whole.root.name)
    with psycopg.connect(server.dsn(ours), autocommit=True) as connection:
        history_table.create(connection, table, name)
    columns = """
        select table_schema, table_name, column_name, data_type, character_maximum_length,
               is_nullable, column_default is null
          from information_schema.columns where table_name = %s order by ordinal_position"""
    found = []
    for database in (ours, whole.database):
        with psycopg.connect(server.dsn(database, admin=True), autocommit=True) as connection:
            found.append(connection.execute(columns, [name.rpartition(".")[2]]).fetchall())
    assert found[0] == found[1] and found[0]


def test_the_tool_s_own_table_says_of_every_file_that_it_ran_and_is_the_same(tool, server, whole):
    history, rows, found = noted(tool, server, whole.root, whole.database)
    assert found.applied == {item.id for item in history.migrations}, rows
    assert found.findings == () and found.pending(history) == ()
    assert bool(history_tables.of(tool.name).checksums(history)) is any(row.checksum for row in rows)


def test_an_edited_file_is_reported_if_the_tool_stores_checksums(tool, server, whole, tmp_path):
    root = tmp_path / "m"
    shutil.copytree(whole.root, root)
    edited = next(path for path in sorted(root.rglob("*.sql")) if "comment on table a is 'x'" in path.read_text())
    edited.write_text(edited.read_text().replace("table a is 'x'", "table a is 'y'"))
    _, rows, found = noted(tool, server, root, whole.database)
    reported = [item.rule for item in found.findings]
    # the hash of a chain is part of the file, so reading the file verifies it
    own = tool.name == "graphile-migrate"
    assert reported == (["history-checksum-mismatch"] if any(row.checksum for row in rows) and not own else [])


def test_the_tool_s_own_table_says_what_failed_and_what_is_pending(tool, server, broken):
    history, rows, found = noted(tool, server, broken.root, broken.database)
    last = history.migrations[-1].id
    assert last not in found.applied
    assert found.applied == (frozenset() if tool.together else {item.id for item in history.migrations[:-1]}), rows
    reported = [(item.rule, item.migration) for item in found.findings]
    assert reported == ([("history-row-failed", last)] if tool.notes_failure else [])


def test_what_was_not_compared_is_named():
    external = {"alembic", "command", "django", "ecto", "knex", "rails", "sequelize", "typeorm", "yoyo"}
    assert {item.name for item in FORMATS} - {tool.name for tool in TOOLS} == {"kfm"} | external
    if ABSENT:
        pytest.skip(f"NOT COMPARED: {len(ABSENT)} of {len(TOOLS)} tools are not installed: {', '.join(ABSENT)}")
