"""How a script runs: what the tool opens, what it sends as one message, what the file says itself."""

from __future__ import annotations

import pytest

from kfm_ci.migrations import transactions
from kfm_ci.migrations.files import Script, SourceFile
from kfm_ci.model import Digest, Mode

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
    assert transactions.mode(Script(file=file, text=text, mode=given, whole=whole)) is expected
