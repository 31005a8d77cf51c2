"""A baseline as tools dump it, with the table in which they note what has run."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess

import psycopg
import pytest

from kfm_ci.migrations.history_tables.flyway import crc32
from kfm_ci.postgres.engines.embedded import EmbeddedEngine

SETTINGS = '[migrations]\nbaseline = "db/structure.sql"\ndir = "{dir}"\nformat = "{format}"\n'
PREAMBLE = (
    "\\restrict abc\nset statement_timeout = 0;\nset no_such_setting_yet = 0;\n"
    "select pg_catalog.set_config('search_path', '', false);\n"
)


def new(report):
    return [item["id"] for item in report["migrations"] if item["new"]]


def told(report):
    return {
        (item["rule"], item["severity"])
        for item in report["findings"]
        if item["rule"].startswith(("history-", "migration-ignored", "migration-file-missing"))
        and item["severity"] != "note"
    }


DBMATE = {
    "kfm-ci.toml": SETTINGS.format(dir="db/migrations", format="dbmate"),
    "db/migrations/1_a.sql": "-- migrate:up\ncreate table a (id int);\n-- migrate:down\ndrop table a;\n",
    "db/structure.sql": PREAMBLE
    + "create table public.a (id int);\ncreate table public.schema_migrations (version varchar primary key);\n"
    "insert into public.schema_migrations (version) values\n    ('1');\n\\unrestrict abc\n",
}
SECOND = {
    "db/migrations/2_b.sql": "-- migrate:up\nalter table a add column b int;\n-- migrate:down\n"
    "alter table a drop column b;\n",
    # what the tool dumps after the change has the change in it
    "db/structure.sql": DBMATE["db/structure.sql"]
    .replace("(id int)", "(id int, b int)")
    .replace("('1')", "('1'), ('2')"),
}


def test_what_the_baseline_s_own_table_notes_is_not_run_again_and_the_dump_is_that_of_the_base(gate):
    report = gate(DBMATE, SECOND)
    assert report["result"] == "pass", report["findings"]
    assert new(report) == ["2_b"] and told(report) == set()


def test_a_platform_s_table_of_the_same_name_in_its_own_schema_is_not_the_tool_s(gate):
    """GoTrue keeps a schema_migrations in ``auth``."""
    auth = (
        "create schema auth;\ncreate table auth.schema_migrations (version varchar primary key);\n"
        "insert into auth.schema_migrations values ('{}');\n"
    )
    base = {**DBMATE, "db/structure.sql": auth.format("20171026211738")}
    report = gate(base, {"db/migrations/2_b.sql": SECOND["db/migrations/2_b.sql"]})
    assert (new(report), told(report), report["result"]) == (["2_b"], set(), "pass"), report["findings"]
    mine = {**DBMATE, "db/structure.sql": "create table public.a (id int);\n" + auth.format("1")}
    assert gate(mine, {"db/migrations/2_b.sql": SECOND["db/migrations/2_b.sql"]})["result"] == "pass"


def test_with_no_base_what_the_baseline_holds_is_not_new(gate):
    report = gate({**DBMATE, "db/migrations/2_b.sql": SECOND["db/migrations/2_b.sql"]}, {}, against="none")
    assert report["result"] == "pass", report["findings"]
    assert new(report) == ["2_b"]


@pytest.fixture(scope="module")
def dump():
    """What ``pg_dump`` writes of a database of its own version."""
    program = shutil.which("pg_dump")
    if program is None:
        pytest.skip("pg_dump is not on this machine")
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    with EmbeddedEngine(major=int(re.search(r"(\d+)", said)[1])).start() as server:
        database = server.create_database("dumped")
        with psycopg.connect(server.dsn(database), autocommit=True) as connection:
            connection.execute("create extension if not exists plpgsql; create table a (id int)")
            connection.execute("create table schema_migrations (version bigint primary key, dirty boolean not null)")
            connection.execute("insert into schema_migrations values (1, false)")
        command = [program, "--no-owner", "--no-privileges", "-d", server.dsn(database)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_a_dump_by_pg_dump_itself_is_a_baseline_with_its_rows(gate, dump):
    base = {
        "kfm-ci.toml": SETTINGS.format(dir="m", format="golang-migrate"),
        "db/structure.sql": dump,
        "m/1_a.up.sql": "create table a (id int);",
    }
    report = gate(
        base, {"m/2_b.up.sql": "alter table a add column b int;", "m/2_b.down.sql": "alter table a drop column b;"}
    )
    assert report["result"] == "pass", report["findings"]
    assert new(report) == ["2_b"]


def test_a_new_migration_that_the_table_is_past_is_refused_for_the_tool_would_skip_it(gate):
    base = {
        "kfm-ci.toml": SETTINGS.format(dir="m", format="golang-migrate"),
        "m/5_a.up.sql": "create table a (id int);",
        "db/structure.sql": "create table a (id int);\n"
        "create table schema_migrations (version bigint, dirty boolean);\n"
        "insert into schema_migrations values (5, false);\n",
    }
    report = gate(
        base, {"m/4_b.up.sql": "alter table a add column b int;", "m/4_b.down.sql": "alter table a drop column b;"}
    )
    assert ("migration-ignored", "error") in told(report)


def test_flyway_s_failed_row_and_its_other_checksum_are_told_with_the_repair(gate):
    one, two = "create table a (id int);\n", "alter table a add column b int;\n"
    row = (
        "insert into flyway_schema_history values ({0}, '{0}', 'x', 'SQL', 'V{0}__x.sql', {1}, 'me', now(), 1, {2});\n"
    )
    base = {
        "kfm-ci.toml": SETTINGS.format(dir="m", format="flyway"),
        "m/V1__x.sql": one,
        "m/V2__x.sql": two,
        "db/structure.sql": "create table a (id int);\n"
        "create table flyway_schema_history (installed_rank int primary key, version varchar(50), description "
        "varchar(200), type varchar(20), script varchar(1000), checksum int, installed_by varchar(100), "
        "installed_on timestamp, execution_time int, success boolean);\n"
        + row.format(1, int(crc32(one)) + 1, "true")
        + row.format(2, crc32(two), "false"),
    }
    report = gate(base, {"m/V3__x.sql": "alter table a add column c int;\n"})
    assert told(report) == {("history-checksum-mismatch", "error"), ("history-row-failed", "error")}
    helps = {item["rule"]: item["help"] for item in report["findings"]}
    assert "flyway repair" in helps["history-row-failed"] and "flyway repair" in helps["history-checksum-mismatch"]
    assert report["result"] == "fail" and new(report) == ["V3__x"]


def test_prisma_s_unfinished_row_names_the_command_that_resolves_it(gate):
    text = "create table a (id int);\n"
    base = {
        "kfm-ci.toml": SETTINGS.format(dir="m", format="prisma"),
        "m/1_a/migration.sql": text,
        "db/structure.sql": "create table _prisma_migrations (id varchar(36) primary key, checksum "
        "varchar(64) not null, finished_at timestamptz, migration_name varchar(255) not null, logs text, "
        "rolled_back_at timestamptz, started_at timestamptz not null default now(), applied_steps_count int "
        "not null default 0);\ninsert into _prisma_migrations (id, checksum, migration_name) values ('x', "
        f"'{hashlib.sha256(text.encode()).hexdigest()}', '1_a');\n",
    }
    report = gate(base, {"m/2_b/migration.sql": "create table b (id int);\n"})
    found = [item for item in report["findings"] if item["rule"] == "history-row-failed"]
    assert len(found) == 1 and 'prisma migrate resolve --rolled-back "1_a"' in found[0]["help"]
