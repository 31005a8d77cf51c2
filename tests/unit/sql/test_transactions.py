"""How a script runs: what the tool opens, what it sends as one message, what the file says itself."""

from __future__ import annotations

import pytest

from kfm_ci.model import Digest, Mode
from kfm_ci.sql import transactions
from kfm_ci.sql.script import Script, SourceFile

BUILD = "create index concurrently i on t (a);"


@pytest.mark.parametrize(
    ("text", "given", "whole", "expected"),
    [
        ("select 1;", None, False, Mode.TRANSACTION),
        (BUILD, None, False, Mode.AUTOCOMMIT),
        (BUILD, Mode.TRANSACTION, False, Mode.TRANSACTION),
        ("select 1;", Mode.AUTOCOMMIT, False, Mode.AUTOCOMMIT),
        (BUILD, None, True, Mode.AUTOCOMMIT),
        (f"select 1; {BUILD}", None, True, Mode.TRANSACTION),
        (f"select 1; {BUILD}", Mode.AUTOCOMMIT, True, Mode.TRANSACTION),
        ("begin; select 1; commit;", None, True, Mode.AUTOCOMMIT),
    ],
)
def test_several_statements_in_one_message_are_one_transaction_unless_they_say_otherwise(text, given, whole, expected):
    file = SourceFile(path="a.sql", data=text.encode(), text=text, sha256=Digest.of(text.encode()))
    assert transactions.mode(Script(file=file, text=text, mode=given, implicit_transaction=whole)) is expected


def script(text):
    file = SourceFile(path="a.sql", data=text.encode(), text=text, sha256=Digest.of(text.encode()))
    return Script(file=file, text=text, implicit_transaction=True)


@pytest.mark.parametrize("end", ["commit;", "commit work;\n-- done\n\n-- really", "COMMIT\n;\n", "end; -- of it"])
def test_a_file_that_wraps_itself_is_a_transaction_whatever_comments_follow(end):
    assert transactions.unwrapped(script(f"begin;\nselect 1;\nselect 2;\n{end}")).mode is Mode.TRANSACTION


def test_dashes_after_a_commit_do_not_keep_the_reader_busy_for_ever():
    text = "begin;\nselect 1;\ncommit;\n" + "-- -- -- -- " * 2000 + "\nselect 1;"
    assert transactions.unwrapped(script(text)).text == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("create function f() returns int language plpgsql as $$ begin return 1; end $$;", False),
        ("insert into t values ('commit; it');", False),
        ("select 1; commit; select 2;", True),
        ("prepare transaction 'a';", True),
        # with standard_conforming_strings off, the literal ends later and the commit is one
        ("select '\\'; commit; --';", True),
    ],
)
def test_only_what_surely_ends_no_transaction_goes_unguarded(text, expected):
    assert transactions.may_leave(script(text)) is expected
