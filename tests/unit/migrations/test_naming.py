"""The grammar of our own file names."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kfm_ci.migrations import naming

NOW = datetime(2026, 2, 25, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("20260225_1200__add_widgets", ("20260225_1200", "timestamp")),
        ("V000123__add_widgets", ("V000123", "number")),
        ("20261325_1200__no_such_month", None), ("20260225_2560__no_such_hour", None), ("20260225_1200_one_line", None),
        ("20260225_1200__Upper", None), ("V123__short", None), ("V0001234__long", None), ("v000123__lower", None),
        ("20260225_1200__", None), ("20260225_1200__é", None), ("20260225_1200__a\n", None),
    ],
)  # fmt: skip
def test_a_name_has_one_of_two_styles_or_none(name: str, expected: tuple[str, str] | None) -> None:
    assert naming.version(name) == expected


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("a.up.sql", ("a", "up")),
        ("a.down.sql", ("a", "down")),
        ("a.sql", ("a", "only")),
        ("a.up.sql.up.sql", ("a.up.sql", "up")),
        ("a.txt", None),
        (".sql", None),
        ("a.SQL", None),
    ],
)
def test_a_suffix_tells_the_direction(file: str, expected: tuple[str, str] | None) -> None:
    assert naming.stem(file) == expected


STAMPS = st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1)).map(lambda at: f"{at:%Y%m%d_%H%M}__x")


@given(st.lists(STAMPS, max_size=5), st.text(max_size=30))
def test_a_new_name_sorts_after_all_others_even_when_the_clock_is_behind(existing: list[str], description: str) -> None:
    name = naming.next_name(existing, description, NOW)
    assert naming.version(name) is not None
    assert all(name[:13] > old[:13] for old in existing)


def test_numbers_go_on_where_they_are_and_begin_where_they_are_asked_for() -> None:
    assert naming.next_name(["V000041__a", "V000007__b"], "Add Widgets!", NOW) == "V000042__add_widgets"
    assert naming.next_name([], "add widgets", NOW, numbered=True) == "V000001__add_widgets"
    assert naming.next_name([], "Ünïcode…", NOW) == "20260225_1200__n_code"
    assert naming.next_name([], "…", NOW) == "20260225_1200__change"
