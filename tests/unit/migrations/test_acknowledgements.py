"""An acknowledgement is a comment, wherever a finding's line can stand."""

from __future__ import annotations

import pytest

from kfm_ci.assess.acknowledgement_scope import scopes
from kfm_ci.migrations import acknowledgements
from kfm_ci.migrations.acknowledgements import find
from kfm_ci.model import Digest, Hazard
from kfm_ci.sql.script import Script, SourceFile


def script(text: str) -> Script:
    data = text.encode()
    return Script(file=SourceFile(path="a.sql", data=data, text=text, sha256=Digest.of(data)), text=text)


ALLOW = '-- kfm:allow blocks-reads reason="forty rows"\n'
BLOCK = f"do $$\nbegin\n  perform 1;\n  {ALLOW}  alter table a add b int;\n  drop table c;\nend $$;\n"


def test_it_covers_the_one_statement_below_it() -> None:
    given = script(f"select 1;\n{ALLOW}alter table a\n  add b int;\nselect 2;\n")
    (scope,) = scopes(given, find(given)[0])
    assert (scope.allow.hazard, scope.start, scope.end) == (Hazard.BLOCKS_READS, 3, 4)


def test_inside_a_block_it_covers_the_one_statement_below_it_there() -> None:
    given = script(BLOCK)
    (scope,) = scopes(given, find(given)[0])
    assert (scope.allow.line, scope.start, scope.end) == (4, 5, 5)


def test_below_the_last_statement_it_covers_nothing() -> None:
    for text in (f"select 1;\n{ALLOW}", f"do $$\nbegin\n  perform 1;\n  {ALLOW}end $$;\n"):
        given = script(text)
        assert [scope.start for scope in scopes(given, find(given)[0])] == [None]


@pytest.mark.parametrize(
    "text",
    [f"select '{ALLOW}';", f'select 1 as "{ALLOW.strip().replace(chr(34), "")}";'],
    ids=["a string", "a name"],
)
def test_text_that_only_looks_like_one_is_none(text: str) -> None:
    assert find(script(text)) == ((), ())


@pytest.mark.parametrize(
    ("comment", "message"),
    [
        ("-- kfm:allow blocks-reads\n", "has no reason"),
        ('-- kfm:allow blocks-reads reason=" "\n', "has no reason"),
        ('-- kfm:allow block-reads reason="x"\n', "unknown hazard"),
    ],
)
def test_one_that_is_not_well_formed_is_told_at_its_line(comment: str, message: str) -> None:
    allows, (wrong,) = find(script(f"select 1;\n{comment}select 2;\n"))
    assert allows == () and wrong.line == 2 and message in wrong.message


@pytest.mark.parametrize(
    ("path", "written"),
    [
        ("a.sql", '-- kfm:allow timeout reason="…"` above the statement'),
        ("a.py", '# kfm:allow timeout reason="…"` above the call'),
        ("a.exs", '# kfm:allow timeout reason="…"` above the call'),
        ("a.ts", '// kfm:allow timeout reason="…"` above the call'),
        ("a.xml", '<!-- kfm:allow timeout reason="…" -->` above the changeset'),
        (None, '-- kfm:allow timeout reason="…"` above the statement'),
    ],
)
def test_advice_is_worded_in_the_language_of_the_file(path, written):
    assert (
        acknowledgements.in_language_of('If meant: `-- kfm:allow timeout reason="…"` above the statement.', path)
        == f"If meant: `{written}."
    )


@pytest.mark.parametrize("reason", ["x", ".", "ok", "ok OK", "a b c", "1 2", "---", "40 rows", "_ _", "done!"])
def test_a_reason_without_two_words_is_malformed(reason: str) -> None:
    allows, wrong = acknowledgements.find(script(f'-- kfm:allow data-loss reason="{reason}"\ndrop table a;'))
    assert not allows and ["in words" in item.message for item in wrong] == [True]


@pytest.mark.parametrize("reason", ["forty rows", "not used, see ABC-1", "表只有四十行", "очень мало строк"])
def test_a_reason_in_words_is_valid(reason: str) -> None:
    allows, wrong = acknowledgements.find(script(f'-- kfm:allow data-loss reason="{reason}"\ndrop table a;'))
    assert [item.acknowledgement.reason for item in allows] == [reason] and not wrong
