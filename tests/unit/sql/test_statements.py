"""SQL text to statements: nothing is lost, and every place is exact."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kfm_ci.sql import copy_data, statements, tokens
from kfm_ci.sql.statements import SyntaxProblem, TooComplex, split

# what makes and breaks tokens, in any order, among ordinary text
PIECES = st.sampled_from(
    [
        ";",
        "'",
        "''",
        '"',
        "$$",
        "$a$",
        "$1",
        "--",
        "/*",
        "*/",
        "\n",
        "\r\n",
        "\\",
        "\\.",
        "(",
        ")",
        "E'",
        "U&'",
        " ",
        "\t",
        "create table t (a int)",
        "copy t from stdin;\n1\t2\n\\.\n",
        "begin atomic",
        "end",
        "case",
        "create function f()",
        "select 1",
        "do $x$ begin end $x$",
        "é",
        "\u2028",
        "\ufeff",
        "\x85",
        "a:b",
        "\0",
    ]
)
TEXTS = st.lists(PIECES | st.text(max_size=5), max_size=30).map("".join)


@given(TEXTS)
@example("select 1;;\n;select 2 -- end")
@example("copy t from stdin;\n1;2\n\\.\nselect 1")
@example("create function f() returns int begin atomic select 1; end; select 2;")
def test_the_parts_joined_give_the_text_again(text: str) -> None:
    found = split(text)
    assert not found or "".join(part.raw for part in found) == text


@given(TEXTS, st.integers(1, 1000))
def test_every_place_is_where_the_text_stands(text: str, first_line: int) -> None:
    lines = text.split("\n")
    for part in split(text, first_line=first_line):
        assert text[part.offset : part.offset + len(part.text)] == part.text
        line = lines[part.line - first_line]
        assert line[part.column - 1 :].startswith(part.text.split("\n")[0])
        assert part.end_line == part.line + part.text[:-1].count("\n")


@given(TEXTS)
def test_nothing_that_means_something_is_left_out(text: str) -> None:
    if not split(text):
        bare = re.sub(r"--[^\n\r]*", "", text)
        assert not re.search(r"[A-Za-z0-9]", re.sub(r"/\*.*", "", bare, flags=re.DOTALL))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("select ';'; select \";\"", ["select ';'", 'select ";"']),
        ("select $$;$$; select $a$;$$;$a$", ["select $$;$$", "select $a$;$$;$a$"]),
        ("select 1 /* ; /* ; */ ; */; select 2", ["select 1", "select 2"]),
        ("select 1 -- ;\n; select 2", ["select 1", "select 2"]),
        (r"select E'\';'; select 2", [r"select E'\';'", "select 2"]),
        ("create rule r as on insert to t do (select 1; select 2); select 3",
         ["create rule r as on insert to t do (select 1; select 2)", "select 3"]),
        ("create function f() returns int begin atomic select case when true then 1 end; select 2; end; select 3",
         ["create function f() returns int begin atomic select case when true then 1 end; select 2; end", "select 3"]),
        ("\\set x 1\nselect 1", ["\\set x 1", "select 1"]),
        (";;;", []), ("-- nothing\n/* here */", []), ("", []),
    ],
)  # fmt: skip
def test_a_semicolon_ends_a_statement_only_where_the_server_says_so(text: str, expected: list[str]) -> None:
    assert [part.text for part in split(text)] == expected


def test_rows_below_a_copy_belong_to_it_and_are_no_statement() -> None:
    (copy, after) = split("copy t (a) from stdin;\n1;2\n\\.\nselect 1;")
    assert (copy.text, after.text, after.line) == ("copy t (a) from stdin", "select 1", 4)
    assert copy_data.rows(copy) == "1;2\n" and copy_data.rows(after) is None


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("create unique index concurrently i on t (a)", "CREATE INDEX"),
        ("create or replace view v as select 1", "CREATE VIEW"),
        ("CREATE TEMP TABLE t ()", "CREATE TABLE"),
        ("alter table t add a int", "ALTER TABLE"),
        ("alter default privileges grant select on tables to x", "ALTER DEFAULT PRIVILEGES"),
        ("drop materialized view v", "DROP MATERIALIZED VIEW"),
        ("create user bob", "CREATE ROLE"),
        ("truncate t", "TRUNCATE TABLE"),
        ("end", "COMMIT"),
        ("start transaction", "START TRANSACTION"),
        ("with a as (select 1) update t set b = 1", "UPDATE"),
        ("(select 1)", "SELECT"),
        ("create text search configuration c (copy = simple)", "CREATE TEXT SEARCH CONFIGURATION"),
        ("\\i x", "\\i"),
        ("creat tabel", "CREAT"),
        ("refresh materialized view v", "REFRESH MATERIALIZED VIEW"),
    ],
)
def test_a_statement_is_called_as_the_server_calls_it(text: str, kind: str) -> None:
    assert statements.kind(text) == kind


def test_a_syntax_error_has_its_place_in_characters() -> None:
    with pytest.raises(SyntaxProblem) as raised:
        statements.parse("select 'é';\n  selec 1")
    assert (raised.value.line, raised.value.column) == (2, 3)


@pytest.mark.parametrize("text", ["select " + "(" * 5000 + "1" + ")" * 5000, "select " + "1+" * 20000 + "1"])
def test_what_is_nested_too_deeply_is_not_judged_and_does_not_end_the_process(text: str) -> None:
    with pytest.raises(TooComplex):
        statements.parse(text)


@given(TEXTS)
@example("\ufeff/* a */ b--c\n$x$ d $x$ /* e")
def test_what_is_solid_is_every_token_but_blanks_and_comments(text: str) -> None:
    silent = {tokens.Kind.SPACE, tokens.Kind.LINE_COMMENT, tokens.Kind.BLOCK_COMMENT}
    assert list(tokens.solid(text)) == [token for token in tokens.scan(text) if token.kind not in silent]


@given(TEXTS)
@example("a$b$; e'\\'; ' -- ;\n $1 - -/ /**/ /* ; */ \"x;\" $t$;$t$ u&'\\' ; \\d\nselect $ ; x -- ;\n;")
def test_statements_are_cut_alike_whether_single_words_are_read_or_not(text: str) -> None:
    bare = text.replace("stdin", "").replace("atomic", "")
    assert [item.text for item in split(f"{bare}\n; select 'atomic'")][:-1] == [
        item.text for item in split(f"{bare}\n; select 'a'")
    ][:-1]
