"""No text makes a rule crash."""

from __future__ import annotations

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kfm_ci.analysis.change import Requirements
from kfm_ci.rules import ALL
from kfm_ci.sql import statements

PIECES = st.sampled_from(
    [
        "insert into t values (",
        "copy t from stdin;\n",
        "\\.\n",
        "'",
        '"',
        "$$",
        "a@b.ch",
        "+41 44 668 18 00",
        "--",
        "/*",
        "(",
        ")",
        "password '",
        "://a:b@c",
        "DE44500105175407324931",
        "٣٤٥٦",
        "eyJhbGciOiJIUzI1NiJ9.",
        "\n",
        "\r",
        "\0",
        "\ud7ff",
        "756.١",
        ";",
    ]
)
TEXT = st.lists(PIECES | st.text(max_size=8), max_size=30).map("".join)
ONE = Requirements(
    require_header=True,
    require_traceability=True,
    require_manifest=True,
    personal_data_threshold=1,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=TEXT, body=TEXT, before=TEXT)
def test_no_text_makes_a_rule_crash(judge, text, body, before):
    text, before = (part.encode("utf-8", "replace") for part in (text, before))
    head = {
        "V2__two.up.sql": text,
        "V1__one.up.sql": text,
        "x.sql": text,
        "meta/manifest.json": text,
        "meta/checksums.txt": text,
    }
    for rule in ALL:
        for found in judge(rule, head, {"V1__one.up.sql": before}, body=body, requirements=ONE):
            assert "\n" not in found.message and "\0" not in found.message


SQL = sorted({text for rule in ALL for text in (rule.info.bad, rule.info.good)})
CUTS = st.tuples(st.sampled_from(SQL), st.sampled_from(SQL), st.integers(0, 400), st.integers(0, 400), PIECES)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(CUTS, min_size=1, max_size=3), block=st.booleans())
def test_no_mutated_sql_makes_a_rule_crash_or_passes_unread(change, cuts, block):
    """Real statements, cut and joined anywhere: each is an act, or is told as unread."""
    text = "\n".join(one[:start] + piece + other[end:] for one, other, start, end, piece in cuts)
    if block:
        text = f"do $do$ begin {text} end $do$;"
    subject = change({"V1__one.up.sql": text, "V1__one.down.sql": text}, {}, outside={"app.py": text})
    for rule in ALL:
        for found in rule.check(subject):
            assert "\n" not in found.message and "\0" not in found.message
    for script in (subject.new[0].up, subject.new[0].down):
        for part in statements.of(script):
            assert _read(subject, script, part) or _told(subject, script, part), part.text


def _read(subject, script, part):
    statements = subject.statements.all(downs=True)
    return any(statement.source == part and statement.script is script for statement in statements)


def _told(subject, script, part):
    return any(
        item.place.file == script.file.path and item.place.line == part.line and item.place.column == part.column
        for item in subject.statements.unread
    )


HOSTILE = [
    "(" * 100_000,
    "select " + "(" * 3_000 + "1" + ")" * 3_000,
    "select " + "1+" * 50_000 + "1;",
    "select " + " or ".join(["a = 1"] * 20_000) + ";",
    "do $$ begin " + "if true then " * 2_000 + "null; " + "end if; " * 2_000 + "end $$;",
    "do $$ begin " + "begin " * 20_000 + "end $$;",
    "alter table t " + ", ".join(f"add column c{n} serial check (c{n} > 0)" for n in range(1_000)) + ";",
    "insert into t values " + ", ".join(f"({n}, 'x')" for n in range(20_000)) + ";",
    "update t set a = 1;\n" * 3_000,
    "{{" * 50_000,
    ":a" * 50_000 + " syntax",
    "'" + "\\'" * 50_000,
    "/*" * 50_000,
    "create domain d as text " + "x" * 50_000,
    "create domain d as text " + "'' " * 20_000 + "; alter table t add column a d;",
    "drop table t; " * 2_000,
    "alter table t add column a int; alter table t drop column b; " * 1_000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_no_text_holds_the_rules_up(change, text):
    subject = change({"V1__one.up.sql": text, "V1__one.down.sql": ""}, {}, outside={"app.py": "t b " * 1000})
    began = time.process_time()
    for rule in ALL:
        list(rule.check(subject))
    assert time.process_time() - began < 5
    assert all(
        _read(subject, subject.new[0].up, part) or _told(subject, subject.new[0].up, part)
        for part in statements.of(subject.new[0].up)[:50]
    )
