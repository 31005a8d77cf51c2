"""Rows are followed by their key, else by their values; what the pull request added may go freely."""

from __future__ import annotations

import pytest

from kfm_ci.evidence.row_difference import NewRows, compare
from kfm_ci.evidence.row_images import ImageColumn, Row, TableImage

COLUMNS = tuple(
    ImageColumn(number=number, name=name, type_oid=25, type_name="text")
    for number, name in enumerate(("id", "name", "note"), start=1)
)


def image(*rows: Row, key: tuple[int, ...] = (1,), kind: str = "text") -> TableImage:
    last = ImageColumn(number=3, name="note", type_oid=25 if kind == "text" else 20, type_name=kind)
    return TableImage(columns=(*COLUMNS[:2], last), rows=rows, key=key)


@pytest.mark.parametrize("key", [(1,), ()], ids=["key", "no key"])
@pytest.mark.parametrize(
    ("now", "gone", "overwritten", "filled"),
    [
        pytest.param([(1, 10, None), (2, 20, 5)], 0, {}, {}, id="the same rows in another order"),
        pytest.param([(2, 20, 5)], 1, {}, {}, id="a deleted row"),
        pytest.param([(2, 20, 5), (1, 10, 9)], 0, {}, {"note": 1}, id="a NULL that got a value"),
        pytest.param([(1, 10, None), (2, 20, 6)], 0, {"note": 1}, {}, id="an overwritten value"),
        pytest.param([(1, 10, None), (2, 20, None)], 0, {"note": 1}, {}, id="a value that became NULL"),
        pytest.param([(1, 10, None), (7, 20, 5)], 0, {"id": 1}, {}, id="another key"),
        pytest.param([(1, 10, None), (2, 20, 5), (3, 30, 7)], 0, {}, {}, id="an inserted row"),
    ],
)
def test_rows_are_followed(now, gone, overwritten, filled, key):
    base = image((1, 10, None), (2, 20, 5), key=key)
    found = compare("t", base, image(*now, key=key), base=base, new=NewRows())
    assert found.gone == gone
    assert {item.name: item.rows for item in found.overwritten} == overwritten
    assert {item.name: item.rows for item in found.filled} == filled


@pytest.mark.parametrize("key", [(1,), ()], ids=["key", "no key"])
def test_rows_of_the_pull_request_may_go(key):
    base, new = image((1, 10, 1), key=key), NewRows()
    inserted = image((1, 10, 1), (8, 80, 8), key=key)
    assert compare("t", base, inserted, base=base, new=new).is_empty
    assert compare("t", inserted, base, base=base, new=new).is_empty


def test_a_conversion_that_merges_values_loses_them():
    base = image((1, 10, 5), (2, 20, 6))
    merged = compare("t", base, image((1, 10, 9), (2, 20, 9), kind="bool"), base=base, new=NewRows())
    distinct = compare("t", base, image((1, 10, 8), (2, 20, 9), kind="bool"), base=base, new=NewRows())
    assert [item.rows for item in merged.overwritten] == [2] and distinct.is_empty
