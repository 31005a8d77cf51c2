"""Tools that keep a plan, a journal or a seal beside their files."""

from __future__ import annotations

import json

import pytest

from kfm_ci.migrations import history_tables
from kfm_ci.migrations.formats import atlas, graphile_migrate
from kfm_ci.model import Mode
from kfm_ci.sql import statements, transactions


def rules(history):
    return sorted(item.rule for item in history.findings)


def journal(*entries):
    return json.dumps({"entries": [{"idx": n, "tag": tag, "when": when} for n, (tag, when) in enumerate(entries)]})


def test_drizzle_runs_what_the_journal_names_in_its_order(load, detect):
    files = {
        "m/0000_b.sql": "select 1;",
        "m/0001_a.sql": "select 2;",
        "m/meta/_journal.json": journal(("0000_b", 5), ("0001_a", 9)),
    }
    history = load("drizzle", files)
    assert [item.id for item in history.migrations] == ["0000_b", "0001_a"] and rules(history) == []
    assert detect(files) == ("m", "drizzle")


def test_drizzle_a_mark_ends_a_statement_that_has_no_semicolon_and_moves_no_line(load):
    text = "insert into a\nselect 1\n\n--> statement-breakpoint\nselect 2;--> statement-breakpoint\nselect 3\n"
    history = load("drizzle", {"m/a.sql": text, "m/meta/_journal.json": journal(("a", 1))})
    parts = statements.of(history.migrations[0].up)
    assert [(part.text, part.line) for part in parts] == [
        ("insert into a\nselect 1", 1),
        ("select 2", 5),
        ("select 3", 6),
    ]


def test_drizzle_a_time_that_goes_back_is_skipped_on_live_databases_and_so_an_error(load):
    files = {"m/a.sql": "select 1;", "m/b.sql": "select 2;", "m/meta/_journal.json": journal(("a", 9), ("b", 5))}
    assert rules(load("drizzle", files)) == ["drizzle-journal-out-of-order"]


def test_drizzle_files_outside_the_journal_and_broken_journals_are_told(load):
    assert rules(
        load("drizzle", {"m/a.sql": "select 1;", "m/b.sql": "", "m/meta/_journal.json": journal(("a", 9))})
    ) == ["drizzle-journal-entry-missing"]
    for text in ("{", "[]", '{"entries": [{"tag": "../x", "when": 1}]}'):
        history = load("drizzle", {"m/meta/_journal.json": text})
        assert history.unreadable and rules(history) == ["drizzle-journal-invalid"]
    assert load("drizzle", {"m/meta/_journal.json": journal(("gone", 1))}).unreadable


def test_atlas_verifies_its_seal(load, detect):
    seal = "\n".join(atlas.sums([("1_a.sql", b"select 1;\n"), ("2_b.sql", b"select 2;\n")])) + "\n"
    files = {"m/1_a.sql": "select 1;\n", "m/2_b.sql": "select 2;\n", "m/atlas.sum": seal}
    assert rules(load("atlas", files)) == [] and detect(files) == ("m", "atlas")
    history = load("atlas", {**files, "m/2_b.sql": "select 3;\n"})
    assert rules(history) == ["atlas-sum-mismatch"] and "2_b.sql" in history.findings[0].message


def test_atlas_reads_a_directive_only_above_a_blank_line(load):
    good, bad = "-- atlas:txmode none\n\nvacuum t;\n", "-- atlas:txmode none\nvacuum t;\n"
    for text, mode, expected in ((good, Mode.AUTOCOMMIT, []), (bad, Mode.TRANSACTION, ["atlas-directive-ignored"])):
        seal = "\n".join(atlas.sums([("1_a.sql", text.encode())]))
        history = load("atlas", {"m/1_a.sql": text, "m/atlas.sum": seal})
        assert history.migrations[0].up.mode is mode and rules(history) == expected


def test_atlas_passes_over_a_checkpoint_where_the_files_before_it_have_run(load):
    texts = {
        "1_a.sql": "create table a ();\n",
        "2_all.sql": "-- atlas:checkpoint v1\n\ncreate table a ();\n",
        "3_b.sql": "create table b ();\n",
    }
    seal = "\n".join(atlas.sums([(name, text.encode()) for name, text in texts.items()]))
    history = load("atlas", {**{f"m/{name}": text for name, text in texts.items()}, "m/atlas.sum": seal})
    assert [item.id for item in history.migrations] == ["1_a", "3_b"] and rules(history) == ["atlas-checkpoint"]
    assert history_tables.of("atlas").checksums(history)["3_b"] == (seal.rpartition("h1:")[2],)


A, B, C = (f"create table {name} (id int);\n" for name in "abc")
CHECKPOINT = "-- atlas:checkpoint\n\n"


@pytest.mark.parametrize(
    ("files", "seal", "runs"),
    [
        ({"1_ck": CHECKPOINT + A, "2_b": B}, "rf7m+ULFNUsNsS2yRIdiUpLMG1nO5Q3HJvd9bl3PcW0=", ["1_ck", "2_b"]),
        ({"1_a": A, "2_ck": CHECKPOINT + A, "3_b": B}, "As6Pejg0fB9q2waG/7oIbBScr+zAdioC878RYyfeXfA=", ["1_a", "3_b"]),
        (
            {"1_a": A, "2_ck": CHECKPOINT + A, "3_b": B, "4_ck": "-- atlas:checkpoint v2\n\n" + A + B, "5_c": C},
            "dYqEIX8w8ZyICucXMOqnhmvo+v2PpH+xx7YYZ7qetjE=",
            ["1_a", "3_b", "5_c"],
        ),
        (
            {"1_a": "-- atlas:sum ignore\n\n" + A, "2_b": B, "3_c": "-- x\n-- atlas:sum ignore\n\n" + C},
            "caquUf9WkcwdHI+w+GRuxY0fn14MgcFDpSq9I8GX+Qc=",
            ["1_a", "2_b", "3_c"],
        ),
    ],
    ids=["first", "middle", "two", "unhashed"],
)
def test_atlas_checkpoints_and_sums_are_those_of_atlas_own_library(load, files, seal, runs):
    named = {f"{name}.sql": text.encode() for name, text in files.items()}
    assert atlas.sums(list(named.items()))[0] == f"h1:{seal}"
    written = "\n".join(atlas.sums(list(named.items())))
    history = load("atlas", {**{f"m/{name}": text.decode() for name, text in named.items()}, "m/atlas.sum": written})
    assert [item.id for item in history.migrations] == runs
    assert rules(history) == ["atlas-checkpoint"] * (len(files) - len(runs))
    assert list(history_tables.of("atlas").checksums(history)) == [
        item for item in runs if "sum ignore" not in files[item][:22]
    ]


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        ("-- x\n-- atlas:txmode none\n \t\nvacuum t;", Mode.AUTOCOMMIT),
        ("# atlas:txmode none\n\nvacuum t;", Mode.AUTOCOMMIT),
        ("-- atlas:txmode none\r\n\r\nvacuum t;", Mode.TRANSACTION),
        ("\n-- atlas:txmode none\n\nvacuum t;", Mode.TRANSACTION),
        ("-- atlas:txmode file\n\nvacuum t;", Mode.TRANSACTION),
    ],
)
def test_atlas_directives_are_read_as_atlas_own_library_reads_them(load, text, mode):
    assert load("atlas", {"m/1_a.sql": text, "m/atlas.sum": "h1:"}).migrations[0].up.mode is mode


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-- atlas:delimiter //\n\nselect 1\n//\nselect '//' -- http://x\n//\n", ["select 1", "select '//'"]),
        (
            "-- atlas:delimiter -- end\n\nselect 1;\nselect 2;\n-- end\nselect 3\n-- end",
            ["select 1", "select 2", "select 3"],
        ),
        ("-- atlas:delimiter \\n\\n\\n\nselect 1\n\n\nselect (\n\n\n2)\n", ["select 1", "select (\n\n\n2)"]),
        ("-- x\n-- atlas:delimiter //\n\nselect 8 // 2;\n", ["select 8 // 2"]),
    ],
)
def test_atlas_delimiters_cut_where_atlas_own_library_cuts(load, text, expected):
    up = load("atlas", {"m/1_a.sql": text, "m/atlas.sum": "h1:"}).migrations[0].up
    found = statements.split(up.text)
    assert [item.text for item in found] == expected
    first = [item.text.split("\n")[0] for item in found]
    assert all(text.split("\n")[item.line - 1].startswith(words) for item, words in zip(found, first, strict=True))


def committed(body, previous=None):
    return f"--! Previous: {previous or '-'}\n--! Hash: {graphile_migrate.integrity_hash(previous, body)}\n\n{body}"


def test_graphile_follows_its_chain(load, detect):
    first = committed("create table a ();\n")
    second = committed("--! no-transaction\nvacuum a;\n", graphile_migrate.integrity_hash(None, "create table a ();\n"))
    files = {"m/committed/000001.sql": first, "m/committed/000002-x.sql": second}
    history = load("graphile-migrate", files, "m/committed")
    assert rules(history) == [] and detect(files)[1] == "graphile-migrate"
    assert [transactions.mode(item.up) for item in history.migrations] == [Mode.TRANSACTION, Mode.AUTOCOMMIT]
    assert history.migrations[0].up.first_line == 4
    assert rules(
        load("graphile-migrate", {**files, "m/committed/000001.sql": first + "select 1;\n"}, "m/committed")
    ) == ["hash-mismatch"]
    assert rules(load("graphile-migrate", {"m/committed/000002.sql": second}, "m/committed")) == ["chain-broken"]


def test_graphile_takes_its_placeholders_from_its_settings_but_not_from_the_environment(load):
    gmrc = (
        '{\n  /* "placeholders": {":A": "no"} */\n  "placeholders": {":APP_ROLE": "shop \\"x\\"", ":SECRET": '
        '"!ENV"},\n}\n'
    )
    body = "select ':APP_ROLE', :SECRET, :APP_ROLES;\n"
    history = load("graphile-migrate", {"m/committed/000001.sql": committed(body), "m/.gmrc": gmrc}, "m/committed")
    assert history.migrations[0].up.text == "select 'shop \"x\"', :SECRET, :APP_ROLES;\n" and rules(history) == []
    mine = load(
        "graphile-migrate",
        {"m/committed/000001.sql": committed(body), "m/.gmrc": gmrc},
        "m/committed",
        placeholders={"APP_ROLE": "mine"},
    )
    assert mine.migrations[0].up.text == body


PLAN = "%syntax-version=1.0.0\n%project=shop\n\n"
STAMP = "2026-01-01T00:00:00Z A B <a@example.com> # note\n"


def test_sqitch_runs_the_plan_in_its_order_with_revert_and_verify(load, detect):
    files = {
        "m/sqitch.plan": f"{PLAN}b {STAMP}a [b] {STAMP}",
        **{f"m/{kind}/{name}.sql": "select 1;" for kind in ("deploy", "revert", "verify") for name in "ab"},
    }
    history = load("sqitch", files)
    assert (
        [item.id for item in history.migrations] == ["b", "a"]
        and rules(history) == []
        and detect(files) == ("m", "sqitch")
    )
    assert (
        history.migrations[0].down.file.path == "m/revert/b.sql"
        and history.migrations[0].extra_files[0].path == "m/verify/b.sql"
    )


def test_sqitch_a_reworked_change_first_runs_as_it_was_tagged(load):
    files = {
        "m/sqitch.plan": f"{PLAN}a {STAMP}@v1 {STAMP}a [a@v1] {STAMP}",
        "m/deploy/a.sql": "select 2;",
        "m/deploy/a@v1.sql": "select 1;",
    }
    found = load("sqitch", files).migrations
    assert [item.up_path for item in found] == ["m/deploy/a@v1.sql", "m/deploy/a.sql"]
    assert [item.id for item in found] == ["a", "a.rework1"]


def test_sqitch_a_reworked_change_is_found_under_any_tag_between_and_what_lies_elsewhere_is_not_sqitch_s(load):
    files = {
        "m/sqitch.plan": f"{PLAN}a {STAMP}@v1 {STAMP}b {STAMP}@v2 {STAMP}a [a@v2] {STAMP}",
        "m/deploy/a@v2.sql": "select 1;",
        "m/deploy/a.sql": "select 2;",
        "m/deploy/b.sql": "select 3;",
        "m/test/a_test.sql": "select 4;",
        "m/deploy/astray.sql": "select 5;",
    }
    history = load("sqitch", files)
    assert [item.up_path for item in history.migrations] == ["m/deploy/a@v2.sql", "m/deploy/b.sql", "m/deploy/a.sql"]
    assert [file.path for file in history.other_files] == ["m/deploy/astray.sql", "m/sqitch.plan"]


def test_sqitch_a_missing_script_cannot_be_run(load):
    history = load("sqitch", {"m/sqitch.plan": f"{PLAN}a {STAMP}???\n"})
    assert history.unreadable and rules(history) == ["file-missing", "sqitch-plan-syntax"]


def test_sqitch_gives_psql_its_variables_each_command_its_own(load):
    text = "select :'role', ':role', $$ :role $$, :later; -- :role\n"
    files = {
        "sqitch.conf": '[deploy "variables"]\n\trole = app\n[revert "variables"]\n\trole = back\n',
        "m/sqitch.plan": f"{PLAN}a {STAMP}",
        **{f"m/{kind}/a.sql": text for kind in ("deploy", "revert", "verify")},
    }
    (found,) = load("sqitch", files).migrations
    rest = "':role', $$ :role $$, :later; -- :role\n"
    assert [item.text for item in (found.up, found.down, found.verify)] == [
        f"select 'app', {rest}",
        f"select 'back', {rest}",
        f"select 'app', {rest}",
    ]
    (mine,) = load("sqitch", files, placeholders={"role": "mine", "later": "now()"}).migrations
    assert mine.up.text == "select 'mine', ':role', $$ :role $$, now(); -- :role\n"
