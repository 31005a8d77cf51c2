"""Flyway's files, as Flyway reads them."""

from __future__ import annotations

from kfm_ci.model import Mode
from kfm_ci.sql import transactions
from kfm_ci.sql.script import Script


def rules(history):
    return sorted(item.rule for item in history.findings)


def test_versions_compare_number_by_number_and_repeatables_follow(load):
    history = load(
        "flyway",
        {
            f"m/{name}.sql": "select 1;"
            for name in ("V10__ten", "V9__nine", "V1_2__b", "V1.10__c", "R__views", "V2.0__two")
        },
    )
    assert [item.id.partition("@")[0] for item in history.migrations] == [
        "V1_2__b",
        "V1.10__c",
        "V2.0__two",
        "V9__nine",
        "V10__ten",
        "R__views",
    ]
    assert history.migrations[2].version == "2"


def test_equal_versions_in_different_spelling_are_an_error(load):
    history = load("flyway", {"m/V1__a.sql": "select 1;", "m/V1.0__b.sql": "select 1;"})
    assert rules(history) == ["duplicate-version"] and history.unreadable


def test_an_undo_file_is_the_way_back_of_its_version_whatever_its_name(load):
    history = load("flyway", {"m/V1__a.sql": "create table a ();", "m/U1__undo_a.sql": "drop table a;"})
    assert history.migrations[0].down.text == "drop table a;"


def test_placeholders_come_from_the_configuration_and_missing_ones_are_told_with_their_line(load):
    files = {
        "flyway.conf": "flyway.placeholders.owner=bob\n",
        "m/V1__a.sql": "-- x\nalter table a owner to ${owner};\nset x = '${Nope}';",
    }
    history = load("flyway", files)
    assert "owner to bob" in history.migrations[0].up.text
    assert [(item.rule, item.place.line) for item in history.findings] == [("unresolved-placeholder", 3)]
    assert load("flyway", files, placeholders={"nope": "1"}).findings == ()


def test_a_concurrent_index_runs_outside_a_transaction_and_what_flyway_does_not_know_runs_inside(load):
    history = load(
        "flyway",
        {
            "flyway.toml": "[flyway.postgresql]\ntransactional.lock = false\n",
            "m/V1__a.sql": "create index concurrently i on t (a);",
            "m/V2__b.sql": "reindex index concurrently i;",
        },
    )
    assert [transactions.mode(item.up) for item in history.migrations] == [Mode.AUTOCOMMIT, Mode.TRANSACTION]
    assert rules(history) == []


def test_mixed_files_are_refused_unless_the_configuration_allows_them(load):
    files = {
        "m/V1__a.sql": "alter table t add b int;\ncreate index concurrently i on t (b);",
        "flyway.conf": "flyway.postgresql.transactional.lock=false",
    }
    assert rules(load("flyway", files)) == ["flyway-mixed"]
    assert rules(load("flyway", {**files, "flyway.conf": files["flyway.conf"] + "\nflyway.mixed=true"})) == []


def test_the_lock_that_a_concurrent_build_waits_for_is_told(load):
    assert rules(load("flyway", {"m/V1__a.sql": "create index concurrently i on t (b);"})) == ["flyway-lock-deadlock"]


def test_a_script_configuration_decides_the_transaction_and_belongs_to_the_migration(load):
    history = load(
        "flyway", {"m/V1__a.sql": "insert into t values (1);", "m/V1__a.sql.conf": "executeInTransaction=false"}
    )
    assert transactions.mode(history.migrations[0].up) is Mode.AUTOCOMMIT
    assert [item.path for item in history.migrations[0].extra_files] == ["m/V1__a.sql.conf"]


def test_names_that_flyway_ignores_silently_are_told(load):
    history = load(
        "flyway", {"m/V1__a.sql": "select 1;", "m/V2_b.sql": "select 1;", "m/afterEachMigrate.sql": "select 1;"}
    )
    assert rules(history) == ["file-name", "flyway-callback"]


def test_callbacks_run_before_and_after_all_and_like_repeatables_their_text_is_their_identity(load):
    names = ("V1__a", "R__b", "afterMigrate__grants", "beforeMigrate", "afterInfo")
    files = {f"m/{name}.sql": "select 1;" for name in names}
    history = load("flyway", files)
    assert [(item.id.partition("@")[0], item.is_repeatable) for item in history.migrations] == [
        ("beforeMigrate", True),
        ("V1__a", False),
        ("R__b", True),
        ("afterMigrate__grants", True),
    ]
    edited = load("flyway", {**files, "m/R__b.sql": "select 2;"})
    assert [one.id == two.id for one, two in zip(history.migrations, edited.migrations, strict=True)] == [
        True,
        True,
        False,
        True,
    ]


def test_a_baseline_migration_is_told_for_it_stands_for_all_before_it_on_new_databases(load):
    history = load("flyway", {"m/V1__a.sql": "select 1;", "m/B2_0__base.sql": "select 1;"})
    assert [item.id for item in history.migrations] == ["V1__a"] and rules(history) == ["flyway-baseline"]


def test_the_usual_directory_is_flyways_and_the_house_style_elsewhere_is_not(detect):
    assert detect({"src/main/resources/db/migration/V000001__a.sql": ""}) == (
        "src/main/resources/db/migration",
        "flyway",
    )
    assert detect({"migrations/V000001__a.sql": ""})[1] == "kfm"
    assert detect({"migrations/V1__a.sql": ""})[1] == "flyway"
    assert detect({"migrations/V1__a.sql": "", "Cargo.toml": '[dependencies]\nrefinery = "0.8"\n'})[1] == "refinery"


def test_the_script_keeps_the_lines_of_its_file(load):
    up = load("flyway", {"m/V1__a.sql": "select 1;\nselect 2;"}).migrations[0].up
    assert isinstance(up, Script) and up.first_line == 1
