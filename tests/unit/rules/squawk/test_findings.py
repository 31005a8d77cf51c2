"""squawk as linter: the real program, and programs that misbehave in its place."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from kfm_ci.analysis.change import Change
from kfm_ci.model import Finding, Hazard, Place, Severity, Verdict
from kfm_ci.rules.squawk import process
from kfm_ci.rules.squawk.findings import LinterResult, lint
from kfm_ci.rules.squawk.rule_map import DISABLED, ENABLED

Ask = Callable[..., LinterResult]
NAME = "20260225_1200__a"


@pytest.fixture
def ask(change: Callable[..., Change]) -> Ask:
    def run(*texts: str, base: dict[str, str] | None = None, ours: tuple[Finding, ...] = ()) -> LinterResult:
        head = {f"20260225_{1200 + number}__a.up.sql": text for number, text in enumerate(texts)}
        subject = change({**(base or {}), **head}, base)
        return lint(subject.new, subject.statements, ours=ours)

    return run


def rules(advice: LinterResult) -> list[str]:
    assert advice.unchecked == ()
    return [item.rule.removeprefix("squawk-") for item in advice.findings if item.severity is not Severity.NOTE]


def test_what_breaks_clients_or_may_block_is_told(ask: Ask) -> None:
    text = "alter table old add column b uuid default gen_random_uuid();\nalter table old rename column c to d;\n"
    assert rules(ask(text)) == ["adding-field-with-default", "renaming-column"]


@pytest.mark.parametrize(
    ("constraint", "rule"),
    [
        ("foreign key (b) references other (id)", "adding-foreign-key-constraint"),
        ("unique (b)", "disallowed-unique-constraint"),
        ("primary key (b)", "adding-serial-primary-key-field"),
        ("check (b > 0)", "constraint-missing-not-valid"),
    ],
)
def test_one_constraint_is_one_finding(ask: Ask, constraint: str, rule: str) -> None:
    assert rules(ask(f"alter table old add constraint c {constraint};")) == [rule]


def test_two_constraints_of_one_statement_are_two_findings(ask: Ask) -> None:
    text = "alter table old add foreign key (b) references other (id), add check (b > 0);"
    assert rules(ask(text)) == ["adding-foreign-key-constraint", "constraint-missing-not-valid"]


def test_suspects_arrive_suspected(ask: Ask) -> None:
    (found,) = ask("create index i on public.old (name);").findings
    assert (found.verdict, found.hazard, found.rule) == (
        Verdict.SUSPECTED,
        Hazard.BLOCKS_WRITES,
        "squawk-require-concurrent-index-creation",
    )


def test_what_no_server_validates_later_is_not_advised(ask: Ask) -> None:
    advice = ask('alter table old add constraint "e x" exclude using gist (a with =);')
    assert "cannot be `NOT VALID`" in str(advice.findings[0].help)
    assert rules(ask("alter table old add exclude using gist (a with =);")) == ["constraint-missing-not-valid"]
    assert rules(ask("alter table old add constraint u unique (a);")) == ["disallowed-unique-constraint"]
    assert rules(ask("alter table old add primary key (a);")) == ["adding-serial-primary-key-field"]
    (checked,) = ask("alter table old add constraint c check (a > 1);").findings
    assert "VALIDATE" in str(checked.help)


def test_what_the_same_change_creates_is_left_alone(ask: Ask) -> None:
    made = "create table public.fresh (id bigint);\ncreate view public.v as select 1;\n"
    later = "create index i on fresh (id);\nalter table fresh drop column id;\ndrop view v;\ndrop table public.fresh;\n"
    assert rules(ask(made, later)) == []
    assert rules(ask(made, "drop table other.fresh;")) == ["ban-drop-table"]


def test_a_column_that_the_same_change_added_is_left_alone(ask: Ask) -> None:
    assert rules(ask("alter table old add column a int;", "alter table old drop column a;")) == []
    assert rules(ask("alter table old add column a int;", "alter table old rename a to b;")) == []
    assert "ban-drop-column" in rules(ask("alter table old add column a int;", "alter table old drop column z;"))


def test_what_is_dropped_to_be_made_again_is_left_alone(ask: Ask) -> None:
    again = "drop function if exists f(int);\ncreate function f(a int) returns int language sql as 'select 1';\n"
    assert rules(ask(again)) == []
    assert rules(ask("drop table t;\ncreate table t (a int);\n")) == ["ban-drop-table"]


def test_only_new_migrations_are_judged(ask: Ask) -> None:
    history = {"20200101_0000__old.up.sql": "drop table a;\n"}
    assert ask("select 1;\n", base=history) == LinterResult(asked=1)


@pytest.mark.parametrize(
    "comment",
    ["-- squawk-ignore-file", "-- squawk-ignore ban-drop-table", "/* squawk-ignore-file ban-drop-table */"],
)
def test_its_own_ignore_comments_hide_nothing(ask: Ask, comment: str) -> None:
    assert rules(ask(f"{comment}\ndrop table old;\n")) == ["ban-drop-table"]


def test_the_repository_cannot_switch_a_rule_off(ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".squawk.toml").write_text('excluded_rules = ["ban-drop-table"]\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert rules(ask("drop table old;\n")) == ["ban-drop-table"]


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("select 1;\n\n  drop table old;", 3, 3),
        ("select 'äöü𝄞'; drop table old;", 1, 16),
        ("select 1;\r\nselect 'é'; drop table old;\r\n", 2, 13),
        ("select 1;\rselect 'é'; drop table old;\r", 1, 23),
        ("\ufeffselect 1;\ndrop table old", 2, 1),
    ],
)
def test_places_are_one_based_and_count_characters(ask: Ask, text: str, line: int, column: int) -> None:
    (found,) = (item for item in ask(text).findings if item.severity is not Severity.NOTE)
    assert (found.place.line, found.place.column) == (line, column)


def test_taste_is_one_note_a_file(ask: Ask) -> None:
    found = ask("create table public.a (b int,\n c int,\n d varchar(3));").findings
    assert {item.severity for item in found} == {Severity.NOTE}
    assert sum("prefer-bigint" in item.rule for item in found) == 1
    assert "2 places, lines 1, 2" in next(item.message for item in found if "prefer-bigint" in item.rule)


def test_where_our_own_rules_have_spoken_it_is_silent(ask: Ask) -> None:
    place = Place(file=f"migrations/db/{NAME}.up.sql", line=1, end_line=1)
    ours = Finding(rule="column-dropped", hazard=Hazard.DATA_LOSS, severity=Severity.ERROR, message="x", place=place)
    text = "alter table old drop column a;\nalter table old drop column b;\n"
    assert [item.place.line for item in ask(text).findings if item.severity is Severity.ERROR] == [1, 2]
    assert [item.place.line for item in ask(text, ours=(ours,)).findings if item.severity is Severity.ERROR] == [2]


def test_a_file_that_it_cannot_parse_is_said_to_be_unread(ask: Ask) -> None:
    advice = ask("select :a;\ndrop table old;\n")
    assert [(item.rule, item.hazard) for item in advice.findings] == [("squawk-unread", Hazard.UNANALYSABLE)]
    assert advice.unchecked == ()


def test_a_file_that_crashes_it_is_not_checked_and_the_others_are(ask: Ask) -> None:
    advice = ask("select " + "(" * 60_000 + "1" + ")" * 60_000, "drop table old;")
    assert [path for path, _ in advice.unchecked] == [f"migrations/db/{NAME}.up.sql"]
    assert [item.rule for item in advice.findings] == ["squawk-ban-drop-table"]


def test_many_files_in_few_processes_say_the_same(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"select 'é'; alter table old{n} drop column a;" for n in range(12)] + ["select :x", "vacuum;"]
    alone = ask(*texts)
    monkeypatch.setattr(process, "_BATCH", 5)
    assert ask(*texts) == alone
    crashing = ask(*texts, "select " + "(" * 60_000 + "1" + ")" * 60_000)
    assert (crashing.findings, len(crashing.unchecked)) == (alone.findings, 1)


@pytest.mark.parametrize(
    "script",
    [
        "exit 0",
        "echo '[]'; exit 0",
        "exit 1",
        "echo '[]'; exit 1",
        "echo '{}'; exit 1",
        "echo '[{}]'; exit 1",
        "kill -9 $$",
        "echo '[]'; exit 134",
        "exec sleep 30",
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell")
def test_anything_but_a_clean_answer_is_not_checked(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    program = tmp_path / "squawk"
    program.write_text(f"#!/bin/sh\ncat >{os.devnull}\n{script}\n")
    program.chmod(0o700)
    monkeypatch.setattr(process, "binary", lambda: program)
    monkeypatch.setattr(process, "_FILE_SECONDS", 0.5)
    advice = ask("drop table old;")
    assert advice.findings == ()
    assert [path for path, _ in advice.unchecked] == [f"migrations/db/{NAME}.up.sql"]


@pytest.mark.parametrize("name", [*ENABLED, *DISABLED])
def test_the_pinned_program_knows_every_rule_by_its_name(name: str) -> None:
    # It refuses a name that it does not know, so a rule that is renamed one day is not lost silently.
    command = [process.binary(), "--config", os.devnull, "--exclude", name, "--stdin-filepath", "a.sql"]
    assert subprocess.run(command, input=b"select 1;", capture_output=True, check=False).returncode == 0


def test_the_version_is_the_one_in_the_dependencies() -> None:
    text = (Path(__file__).parents[4] / "pyproject.toml").read_text()
    assert f'"squawk-cli=={process.VERSION}"' in text
