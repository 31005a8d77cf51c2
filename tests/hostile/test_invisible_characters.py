"""Nothing hides from the reader: invisible and bidirectional characters of a change fail the gate with their place."""

from __future__ import annotations

import pytest

from tests.hostile.conftest import BASE, BASE_DOWN, FIRST, SECOND, migration

UP, DOWN = "alter table orders add column paid_on date;", "alter table orders drop column paid_on;"

HIDDEN = {
    "reordered comment": f"{UP} -- \u202e reviewed \u2066",
    "string": f"{UP}\ncomment on table orders is 'or\u200bders';",
    "quoted name": 'create table "orders\u200b" (id bigint primary key);',
    "soft hyphen": 'create table "or\u00adders" (id bigint primary key);',
    "block": f"do $$ begin {UP} /* \u2067 */ end $$;",
    "tag": f"{UP} -- \U000e0064\U000e0072",
    "escape": f"{UP} -- \x1b[2K",
    "C1": f"{UP} -- \x9b2K",
    "byte order mark": f"{UP}\n\ufeff",
}


@pytest.mark.parametrize("text", HIDDEN.values(), ids=HIDDEN)
def test_a_hidden_character_fails_the_gate(change, text):
    verdict = change(text, "select 1;")
    assert verdict.code == 1, verdict.output
    found = verdict.error("invisible-character")
    assert found["file"].endswith(".up.sql") and found["line"] >= 10


@pytest.mark.parametrize("more", ["-- impact: none\u202e\n", "-- ops: none\u200b\n"])
def test_a_hidden_character_in_a_header_or_a_down_migration_fails_the_gate(pull_request, more):
    pull_request.write(migration(FIRST, BASE, BASE_DOWN))
    pull_request.commit()
    files = migration(SECOND, UP, DOWN)
    up = f"migrations/db/{SECOND}.up.sql"
    pull_request.write({**files, up: files[up].replace("-- [/KFM", f"{more}-- [/KFM")})
    assert "invisible-character" in pull_request.gate().errors
    pull_request.write({**files, up.replace(".up.", ".down."): f"{DOWN} -- {more}"})
    assert "invisible-character" in pull_request.gate().errors


def test_ordinary_writing_passes(change):
    verdict = change(
        f"{UP}\ncomment on table orders is 'Größe 価格 👩‍👧 ❤️ می‌خواهم';", f"{DOWN}\ncomment on table orders is null;"
    )
    assert verdict.code == 0 and not verdict.errors, verdict.output
