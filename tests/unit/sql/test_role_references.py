"""What a plain owner's SQL may change of the cluster's roles: where the text does not say it, nobody has to look."""

from __future__ import annotations

import pytest

from kfm_ci.model import Digest
from kfm_ci.sql import role_references
from kfm_ci.sql.script import Script, SourceFile


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("create table users (role text, user_id int);", False),
        ("insert into roles values ('user');", False),
        ("ALTER\nROLE current_user set search_path = app;", True),
        ("alter user current_user password 'x';", True),
        ("do $$ begin execute format('alter database %I set a.b = 1', current_database()); end $$;", True),
        ("grant connect on database d to reader;", True),
    ],
)
def test_only_settings_and_rights_of_its_own_role_and_databases_are_a_plain_owner_s(text, expected):
    file = SourceFile(path="a.sql", data=text.encode(), text=text, sha256=Digest.of(text.encode()))
    assert role_references.may_change(Script(file=file, text=text)) is expected
