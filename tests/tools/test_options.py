"""What a tool does under an option of its own, by the tool and by our reading of its files."""

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
from kfm_ci.migrations.git import WorkTree

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
        f"-- +goose Up\n{BORDERS}-- +goose ENVSUB ON\n{body}-- +goose ENVSUB OFF\ninsert into borders values ('${{ZONE}}', '');\n"
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
    assert [item.rule for item in history.findings] == ["dbmate-second-pair"]
    with psycopg.connect(server.dsn(theirs)) as connection:
        assert connection.execute("select to_regclass('b')").fetchone() == (None,)
