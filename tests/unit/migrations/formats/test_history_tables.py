"""History tables as values: names from settings, keys, checksums, and what rows say of files."""

from __future__ import annotations

import json

import pytest

from kfm_ci.migrations import history_tables
from kfm_ci.migrations.formats import ALL
from kfm_ci.migrations.history_tables import HistoryRow, RowState
from kfm_ci.migrations.history_tables import compare as comparison
from kfm_ci.migrations.history_tables.digests import siphash
from kfm_ci.migrations.history_tables.flyway import crc32
from kfm_ci.migrations.history_tables.sqitch import change_ids
from kfm_ci.migrations.tools.known_tools import KNOWN


def row(key, state="applied", checksum=None):
    return HistoryRow(migration=key, checksum=checksum, state=RowState(state))


def compare(history, *rows):
    table = history_tables.of(history.format)
    return comparison.compare(table, rows, history, name=table.name, place="dump.sql")


def test_every_files_format_of_another_tool_has_a_table():
    known = {table.format for table in history_tables.ALL}
    assert set(KNOWN) <= known <= {item.name for item in ALL} and len(known) == len(history_tables.ALL)


@pytest.mark.parametrize(
    ("format", "files", "name"),
    [
        ("flyway", {"flyway.conf": "flyway.table=moves\nflyway.defaultSchema=app\n"}, "app.moves"),
        ("flyway", {"flyway.toml": '[flyway]\ntable = "moves"\n'}, "moves"),
        (
            "liquibase",
            {"liquibase.properties": "databaseChangelogTableName: moves\nliquibaseSchemaName=app\n"},
            "app.moves",
        ),
        ("golang-migrate", {"Makefile": 'up:\n\tmigrate -database "$(URL)?x-migrations-table=moves" up\n'}, "moves"),
        ("goose", {"svc/Makefile": "up:\n\tgoose -table _moves -dir m postgres up\n"}, "_moves"),
        ("goose", {".env": "GOOSE_TABLE=app.moves\n"}, "moves"),
        ("dbmate", {".env": "DBMATE_MIGRATIONS_TABLE=moves\n"}, "moves"),
        ("sqlx", {"sqlx.toml": '[migrate]\ntable-name = "app.moves"\n'}, "app.moves"),
        (
            "drizzle",
            {"drizzle.config.ts": 'export default { migrations: { table: "moves", schema: "app" } };\n'},
            "app.moves",
        ),
        (
            "drizzle",
            {"drizzle.config.ts": 'export default { migrations: {\n  schema: "public",\n} };\n'},
            "public.__drizzle_migrations",
        ),
        (
            "atlas",
            {"atlas.hcl": 'env "x" {\n  migration {\n    revisions_schema = "app"\n  }\n}\n'},
            "app.atlas_schema_revisions",
        ),
        ("sqitch", {"sqitch.conf": '[engine "pg"]\n\tregistry = moves\n'}, "moves.changes"),
        ("sql-migrate", {"dbconfig.yml": "production:\n  table: moves\n"}, "moves"),
        ("prisma", {}, "_prisma_migrations"),
    ],
)
def test_a_table_is_called_what_the_tool_s_own_settings_call_it(tree, format, files, name):
    assert history_tables.of(format).named(tree(files), "svc/m") == name


def test_checksums_are_those_that_flyway_publishes_for_lines_without_their_ends():
    assert crc32("a\r\nb\n") == crc32("a\nb") == crc32("ab") and crc32("create table a();").lstrip("-").isdigit()


def test_an_edited_file_is_not_the_one_that_refinery_wrote_a_checksum_of(load):
    written = "6676708771313304502"  # by refinery 0.9 of this very file
    assert written in siphash("a", 1, "select 1")
    same = load("refinery", {"m/V1__a.sql": "select 1"})
    assert compare(same, row("1", checksum=written)).findings == ()
    edited = load("refinery", {"m/V1__a.sql": "select 1\n"})
    assert [item.rule for item in compare(edited, row("1", checksum=written)).findings] == ["history-checksum-mismatch"]


def test_a_number_stands_for_all_before_it_where_the_tool_keeps_one(load):
    history = load("golang-migrate", {f"m/{number}_x.up.sql": "select 1;" for number in (1, 2, 3)})
    found = compare(history, row("2"))
    assert (
        found.applied == {"1_x", "2_x"}
        and [item.id for item in found.pending(history)] == ["3_x"]
        and not found.findings
    )
    dirty = compare(history, row("2", "failed"))
    assert dirty.applied == {"1_x"} and dirty.failed == {"2_x"}
    assert "`migrate force 2`" in dirty.findings[0].help and "`migrate force 1`," in dirty.findings[0].help


def test_drizzle_skips_in_silence_what_is_older_than_its_last_row(load):
    entries = [
        {"idx": number, "tag": tag, "when": when}
        for number, (tag, when) in enumerate([("0_a", 1), ("1_b", 2), ("2_c", 3)])
    ]
    history = load(
        "drizzle",
        {
            "m/meta/_journal.json": json.dumps({"entries": entries}),
            **{f"m/{tag}.sql": "select 1;" for tag in ("0_a", "1_b", "2_c")},
        },
    )
    found = compare(history, row("1"), row("3"))
    assert found.skipped == {"1_b"} and [item.rule for item in found.findings] == ["migration-ignored"]


def test_flyway_s_baseline_row_stands_for_what_came_before_and_an_edited_repeatable_is_pending(load):
    history = load(
        "flyway",
        {"m/V1__a.sql": "select 1;", "m/V2__b.sql": "select 2;", "m/V3__c.sql": "select 3;", "m/R__v.sql": "select 4;"},
    )
    found = compare(history, row("2", "baseline"), row("R v", checksum=crc32("select 0;")))
    assert [item.name for item in found.pending(history)] == ["c", "v"] and found.findings == ()


def test_what_was_undone_is_pending_again(load):
    history = load("goose", {"m/1_a.sql": "-- +goose Up\nselect 1;\n"})
    assert compare(history, row("1"), row("1", "undone")).applied == frozenset()
    assert compare(history, row("1"), row("1", "undone"), row("1")).applied == {"1_a"}


def test_rows_without_a_file_are_told_once(load):
    history = load("dbmate", {"m/5_a.sql": "-- migrate:up\nselect 1;\n-- migrate:down\nselect 1;\n"})
    found = compare(history, *(row(str(number)) for number in range(1, 6)))
    assert [item.rule for item in found.findings] == ["migration-file-missing"]
    assert "rows of `1`, `2`, `3` and 1 more" in found.findings[0].message


def test_a_change_of_the_plan_is_another_change_to_sqitch():
    plan = (
        "%syntax-version=1.0.0\n%project=shop\n\na 2026-01-01T00:00:00Z A B <a@example.com> # x\n"
        "b [a !c] 2026-01-02T00:00:00Z A B <a@example.com> # y\n"
    )
    one, two = change_ids(plan)
    other = change_ids(plan.replace("# x", "# z"))
    assert len(one) == 40 and other[0] != one and other[1] != two
