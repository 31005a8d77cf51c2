"""Options of a tool, run by the tool and by kfm-ci."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import psycopg
import pytest
from compared import by_us, state
from histories import CACHE, NODE

from kfm_ci.config import MigrationsTable
from kfm_ci.migrations import detection
from kfm_ci.migrations.formats import graphile_migrate
from kfm_ci.migrations.work_tree import WorkTree

NOTE = "insert into borders values ('{0}', pg_current_xact_id()::text);\n"
BORDERS = "create table borders (step text, xact text);\n"


def url(server, database):
    return f"postgres://{server.owner}:{server.owner_password}@127.0.0.1:{server.port}/{database}?sslmode=disable"


def program(path: Path) -> str:
    if not path.exists():
        pytest.skip(f"NOT COMPARED: {path.name} is not installed under {CACHE}; run `make test-tools`")
    return str(path)


def run(*command, **environment):
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, env={"PATH": "/usr/bin:/bin", **environment}
    )


class Named:
    def __init__(self, name, bookkeeping):
        self.name, self.bookkeeping = name, bookkeeping


def test_golang_migrate_under_multi_statement_commits_each_statement(server, tmp_path):
    tool, migrate = Named("golang-migrate", "schema_migrations"), program(CACHE / "go/migrate")
    root = tmp_path / "m"
    root.mkdir()
    (tmp_path / "Makefile").write_text("up:\n\tmigrate -database '$(URL)&x-multi-statement=true' -path m up\n")
    (root / "1_a.up.sql").write_text(
        BORDERS + NOTE.format("1") * 2 + "create index concurrently i on borders (step);\n"
    )
    (root / "2_b.up.sql").write_text(NOTE.format("2") + "select nothing;\n")
    theirs = server.create_database("multi")
    done = run(migrate, "-path", str(root), "-database", f"{url(server, theirs)}&x-multi-statement=true", "up")
    assert done.returncode and "nothing" in done.stderr
    ours, ended, said = by_us(tool, server, root, "multi_ours")
    assert not ended and "nothing" in said
    assert state(tool, server, ours) == state(tool, server, theirs)
    assert [number for _, number in state(tool, server, ours)[1]] == [0, 1, 2]


@pytest.mark.parametrize(
    "body",
    [
        "insert into borders values ('${REGION:-eu}', '${ZONE}');\n",
        "insert into borders values ('$ZONE', '${REGION-x}');\n",
    ],
)
def test_goose_replaces_variables_where_it_is_asked_to(server, tmp_path, body):
    tool, goose = Named("goose", "goose_db_version"), program(CACHE / "go/goose")
    root = tmp_path / "m"
    root.mkdir()
    (root / "1_a.sql").write_text(
        f"-- +goose Up\n{BORDERS}-- +goose ENVSUB ON\n{body}-- +goose ENVSUB OFF\n"
        f"insert into borders values ('${{ZONE}}', '');\n"
    )
    theirs = server.create_database("envsub")
    done = run(goose, "-dir", str(root), "postgres", url(server, theirs), "up", ZONE="b")
    assert done.returncode == 0, done.stderr
    ours, ended, said = by_us(tool, server, root, "envsub_ours", placeholders={"ZONE": "b"})
    assert ended, said
    assert rows(server, ours) == rows(server, theirs)


def rows(server, database):
    with psycopg.connect(server.dsn(database)) as connection:
        return connection.execute("select * from borders").fetchall()


def test_a_second_pair_in_a_file_fails_in_dbmate_as_we_say(server, tmp_path):
    dbmate = program(NODE / ".bin/dbmate")
    root = tmp_path / "m"
    root.mkdir()
    pair = "-- migrate:up\ncreate table {0} (id int);\n-- migrate:down\ndrop table {0};\n"
    (root / "1_a.sql").write_text(pair.format("a") + pair.format("b"))
    theirs = server.create_database("pairs")
    run(
        dbmate,
        "--no-dump-schema",
        "-d",
        str(root),
        "-u",
        url(server, theirs),
        "migrate",
        PATH=f"{Path(shutil.which('node')).parent}:/usr/bin:/bin",
    )
    history = detection.by_name("dbmate").load(WorkTree(tmp_path), "m", MigrationsTable())
    assert [item.rule for item in history.findings] == ["dbmate-multiple-blocks"]
    with psycopg.connect(server.dsn(theirs)) as connection:
        assert connection.execute("select to_regclass('b')").fetchone() == (None,)


VARIABLES = """[core]
\tengine = pg
[core "variables"]
\tone = core
\ttwo = core
[deploy "variables"]
\ttwo = it's deploy's
\tThree = x y ; a comment
[engine "pg.variables"]
\tfour = "quoted"
"""


def test_sqitch_s_variables_stand_where_psql_puts_them(server, tmp_path):
    if shutil.which("sqitch") is None:
        pytest.skip("NOT COMPARED: sqitch is not installed; run `make test-tools`")
    tool, root = Named("sqitch", "sqitch"), tmp_path / "m"
    (root / "deploy").mkdir(parents=True)
    (root / "sqitch.conf").write_text(VARIABLES)
    (root / "sqitch.plan").write_text(
        "%syntax-version=1.0.0\n%project=shop\n\na 2026-01-01T00:00:00Z A B <a@example.com> # x\n"
    )
    (root / "deploy/a.sql").write_text(
        BORDERS + "insert into borders values (:'one', :'two'), (:'Three', :'four'), ('in :one', $$ :two $$), "
        "(:'one'||'', ':one');\n"
        'alter table borders add :four int, add :"Three" int; -- :one\n'
    )
    theirs = server.create_database("variables")
    done = subprocess.run(
        ["sqitch", "deploy", url(server, theirs).replace("postgres://", "db:pg://")],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PATH": "/usr/bin:/bin", "SQITCH_FULLNAME": "A B", "SQITCH_EMAIL": "a@example.com"},
    )
    assert done.returncode == 0, done.stderr
    ours, ended, said = by_us(tool, server, root, "variables_ours")
    assert ended, said
    assert rows(server, ours) == rows(server, theirs)
    assert {name: text for name, text in state(tool, server, ours)[0].items() if "borders" in name} == {
        name: text for name, text in state(tool, server, theirs)[0].items() if "borders" in name
    }


def test_graphile_migrate_s_placeholders_are_those_of_its_settings(server, tmp_path):
    tool, command = Named("graphile-migrate", "graphile_migrate"), program(NODE / ".bin/graphile-migrate")
    root = tmp_path / "migrations/committed"
    root.mkdir(parents=True)
    (tmp_path / "migrations/current.sql").write_text("")
    settings = tmp_path / "migrations/.gmrc"
    settings.write_text(
        '{\n  // "placeholders": {":NAME": "no"},\n  "placeholders": {":NAME": "a \\"b\\"", ":COLUMN": "added",},\n'
        f'  "migrationsFolder": "{tmp_path}/migrations"\n}}\n'
    )
    body = (
        BORDERS + "insert into borders values (':NAME', '');\nalter table borders add :COLUMN text default 'x:NAME';\n"
    )
    (root / "000001.sql").write_text(
        f"--! Previous: -\n--! Hash: {graphile_migrate.integrity_hash(None, body)}\n\n{body}"
    )
    theirs = server.create_database("gmrc")
    done = run(
        command,
        "migrate",
        "--config",
        str(settings),
        DATABASE_URL=url(server, theirs),
        PATH=f"{Path(shutil.which('node')).parent}:/usr/bin:/bin",
    )
    assert done.returncode == 0, done.stderr
    history = detection.by_name("graphile-migrate").load(WorkTree(tmp_path), "migrations/committed", MigrationsTable())
    assert history.findings == ()
    ours, ended, said = by_us(tool, server, root, "gmrc_ours")
    assert ended, said
    assert rows(server, ours) == rows(server, theirs)


TORN = "create function f() returns int language plpgsql as $$\nbegin\n  return 1;\nend $$;\n"
PAIR = "create index concurrently i on borders (step);\ncreate index concurrently j on borders (xact);\n"


@pytest.mark.parametrize(
    ("mark", "text", "reported"),
    [
        ("", TORN, "statement-split"),
        ("", f"[StatementBegin]\n{TORN}[StatementEnd]\n", None),
        ("", "select 1", "statement-unterminated"),
        ("bare", f"[StatementBegin]\n{PAIR}[StatementEnd]\n", "implicit-transaction"),
        ("bare", PAIR.replace("\n", " ", 1), "implicit-transaction"),
        ("bare", PAIR, None),
        ("bare", f"-- a comment;\n{PAIR}", None),
    ],
)
@pytest.mark.parametrize("name", ["goose", "sql-migrate"])
def test_findings_about_a_tool_that_splits_at_lines_agree_with_the_tool(server, tmp_path, name, mark, text, reported):
    command, root, theirs = program(CACHE / f"go/{name}"), tmp_path / "m", f"lines_{abs(hash((name, text)))}"
    root.mkdir()
    word = "goose" if name == "goose" else "migrate"
    opened = {"goose": "-- +goose NO TRANSACTION\n-- +goose Up\n", "sql-migrate": "-- +migrate Up notransaction\n"}
    body = text.replace("[", f"-- +{word} ").replace("]", "")
    (root / "1_a.sql").write_text(f"-- +{word} Up\n{BORDERS}-- +{word} Down\ndrop table borders;\n")
    (root / "2_b.sql").write_text(f"{opened[name] if mark else f'-- +{word} Up'}\n{body}\n-- +{word} Down\nselect 1;\n")
    theirs = server.create_database(theirs)
    (tmp_path / "dbconfig.yml").write_text(
        f"development:\n  dialect: postgres\n  datasource: {url(server, theirs)}\n  dir: {root}\n"
    )
    argv = (
        ["-dir", str(root), "postgres", url(server, theirs), "up"]
        if name == "goose"
        else ["up", f"-config={tmp_path}/dbconfig.yml"]
    )
    done = run(command, *argv)
    history = detection.by_name(name).load(WorkTree(tmp_path), "m", MigrationsTable())
    assert [item.rule for item in history.findings] == ([f"{name}-{reported}"] if reported else [])
    assert bool(done.returncode) is bool(reported), done.stdout + done.stderr
