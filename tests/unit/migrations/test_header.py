"""The header's block, read as it was written."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kfm_ci.migrations import header
from kfm_ci.model import Risk

TEXT = """-- a remark
-- [KFM_MIGRATION]
-- id: 20260225_1200__add_widgets
-- owner: payments-team
--   and others
-- risk:  low
-- [/KFM_MIGRATION]
create table widgets ();
"""


def test_keys_come_with_their_lines_and_values_go_on_below() -> None:
    found = header.parse(TEXT)
    assert found is not None and (found.start, found.end, found.problems) == (2, 7, ())
    assert found.values == {"id": "20260225_1200__add_widgets", "owner": "payments-team and others", "risk": "low"}
    assert found.lines == {"id": 3, "owner": 4, "risk": 6}
    assert found.choice("risk", Risk) == "low" and found.choice("owner", Risk) is None


def test_windows_line_ends_change_nothing() -> None:
    assert header.parse(TEXT.replace("\n", "\r\n")) == header.parse(TEXT)


def test_a_text_without_a_block_has_no_header() -> None:
    assert header.parse("create table t ();\n-- [/KFM_MIGRATION]\n") is None


def test_what_is_wrong_with_the_block_is_told_with_its_line() -> None:
    text = "-- [KFM_MIGRATION]\n-- nonsense\n-- id: a\n-- id: b\nselect 1;\n"
    found = header.parse(text)
    assert found is not None and found.values == {"id": "a"}
    assert [line for line, _ in found.problems] == [2, 4, 5]
    assert "not closed" in found.problems[-1][1] and "twice" in found.problems[1][1]


@given(st.text())
def test_no_text_breaks_it(text: str) -> None:
    found = header.parse(f"-- [KFM_MIGRATION]\n{text}")
    assert found is not None and set(found.values) == set(found.lines)
