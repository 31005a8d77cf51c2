"""The same history by the real tool and by our reading of its files: same schema, same transactions, same wreck."""

from __future__ import annotations

import os
import subprocess

import psycopg
import pytest
from histories import CACHE, TOOLS, Address, Step

from kfm_ci.config import MigrationsTable
from kfm_ci.migrations import detection
from kfm_ci.migrations.git import WorkTree
from kfm_ci.model import Outcome
from kfm_ci.postgres import apply, catalog
from kfm_ci.postgres.engines.embedded import EmbeddedEngine

NOTE = "insert into borders values ('{0}', pg_current_xact_id()::text);\n"
FIRST = Step("create table borders (step text, xact text);\ncreate table a (id int primary key, v text);\n" + NOTE.format("1") * 2,
             "drop table a;\ndrop table borders;")  # fmt: skip
BODY = Step(
    "create function f() returns int language plpgsql as $$\nbegin\n  perform 1; -- a ; in a comment\n  return 1;\nend $$;",
    "drop function f();",
)
NOTED = Step(NOTE.format("3") * 2 + "alter table a add column w text default 'a;b';\n", "alter table a drop column w;")
BUILD = Step("create index concurrently a_v on a (v);", "drop index concurrently a_v;", outside=True)
LAST = Step(NOTE.format("5") + "comment on table a is 'x';\n" + NOTE.format("5"), "comment on table a is null;")
BROKEN = Step("create table z (id int);\nalter table nowhere add column b int;\n", "drop table z;")
ABSENT = [tool.name for tool in TOOLS if not tool.there]


@pytest.fixture(scope="module")
def server():
    with EmbeddedEngine(for_tools=True).start() as running:
        yield running


@pytest.fixture(params=TOOLS, ids=lambda tool: tool.name)
def tool(request):
    if not request.param.there:
        pytest.skip(f"NOT COMPARED: {request.param.name} is not installed under {CACHE}; run `make test-tools`")
    return request.param


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
        jdbc=f"jdbc:postgresql://127.0.0.1:{server.port}/{database}", user=server.owner, password=server.owner_password,
        host="127.0.0.1", port=str(server.port), database=database,
    )  # fmt: skip
    environment = {**os.environ, **tool.environment, "DATABASE_URL": to.url}
    done = subprocess.run(
        tool.command(root, to), cwd=root, env=environment, capture_output=True, text=True, timeout=110, check=False
    )
    return database, done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


def by_us(tool, server, root, name):
    database = server.create_database(name)
    history = detection.by_name(tool.name).load(WorkTree(root.parent), root.name, MigrationsTable())
    assert not [item for item in history.findings if item.severity == "error"], history.findings
    with psycopg.connect(server.dsn(database), autocommit=True) as connection:
        connection.prepare_threshold = None
        if history.together:
            failed = apply.together(connection, tuple(item.up for item in history.migrations))
            return database, failed is None, failed[1].error if failed else ""
        for migration in history.migrations:
            done = apply.run(connection, migration.up, entry=None)
            connection.execute("discard all")
            if done.outcome is Outcome.FAILED:
                return database, False, done.error
    return database, True, ""


def state(tool, server, database):
    with psycopg.connect(server.dsn(database)) as connection:
        schema = {name: text for name, text in catalog.read(connection).entries if tool.bookkeeping not in name.lower()}
        rows = (
            connection.execute("select step, xact from borders order by ctid").fetchall()
            if "table public.borders" in schema
            else []
        )
    ids = list(dict.fromkeys(xact for _, xact in rows))
    return schema, [(step, ids.index(xact)) for step, xact in rows]


def test_the_same_history_gives_the_same_schema_and_the_same_transactions(tool, server, tmp_path):
    write(tool, tmp_path / "m", steps(tool))
    theirs, ended, said = by_the_tool(tool, server, tmp_path / "m", "theirs")
    assert ended, said
    ours, ended, said = by_us(tool, server, tmp_path / "m", "ours")
    assert ended, said
    (schema, borders), (expected, their_borders) = state(tool, server, ours), state(tool, server, theirs)
    assert schema == expected and "table public.a" in schema
    assert borders == their_borders
    if tool.together:
        assert {number for _, number in their_borders} == {0}


def test_a_failing_file_leaves_what_the_tool_leaves(tool, server, tmp_path):
    write(tool, tmp_path / "m", steps(tool, BROKEN))
    theirs, ended, said = by_the_tool(tool, server, tmp_path / "m", "theirs")
    assert not ended, said
    ours, ended, _ = by_us(tool, server, tmp_path / "m", "ours")
    assert not ended
    assert state(tool, server, ours) == state(tool, server, theirs)
    assert bool([name for name in state(tool, server, theirs)[0] if "public.a" in name]) is not tool.together


def test_what_was_not_compared_is_named():
    if ABSENT:
        pytest.skip(f"NOT COMPARED: {len(ABSENT)} of {len(TOOLS)} tools are not installed: {', '.join(ABSENT)}")
