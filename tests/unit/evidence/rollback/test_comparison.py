"""Comparing states is a pure function: known differences are subtracted; each change of rows is a loss or a note."""

from __future__ import annotations

import pytest

from kfm_ci.evidence.rollback.comparison import KnownDifferences, compare
from kfm_ci.evidence.rollback.model import State
from kfm_ci.postgres.catalog import Catalog
from kfm_ci.postgres.data_checksums import ColumnContent, Content, TableContent


def state(*rows: str | None, table: str = "public.t", objects: dict[str, str] | None = None) -> State:
    """Return a database with one table of one column, whose checksum adds the lengths of the values."""
    values = [row for row in rows if row is not None]
    column = ColumnContent(
        name="a",
        checksum=sum(map(hash, values)),
        nulls=len(rows) - len(values),
        elements=sum(hash("".join(sorted(value))) for value in values),
    )
    hashes = tuple(sorted(map(hash, rows)))
    content = TableContent(name=table, rows=len(rows), columns=(column,), checksum=sum(hashes), hashes=hashes)
    return State(catalog=Catalog(entries=tuple(sorted((objects or {}).items()))), content=Content(tables=(content,)))


NOTHING = KnownDifferences()


def test_equal_states_have_no_difference() -> None:
    found = compare(state("x"), state("x"), NOTHING)
    assert found.difference.empty and found.losses.errors == found.losses.notes == () and found.known.is_empty


def test_a_known_object_is_not_reported_until_it_changes_again() -> None:
    before, left = state(), state(objects={"view public.v": "select 1"})
    first = compare(before, left, NOTHING)
    assert first.difference.added == ("view public.v",) and not first.known.is_empty
    assert compare(before, left, first.known).difference.empty
    changed = state(objects={"view public.v": "select 2"})
    assert compare(before, changed, first.known).difference.added == ("view public.v",)


@pytest.mark.parametrize(
    ("before", "now", "errors", "notes"),
    [
        (["x"], ["x", "y"], [], ["rolling back leaves 1 row in public.t that the migration wrote"]),
        (["x", None], ["x", "y"], [], ["rolling back leaves public.t.a filled in 1 row"]),
        (["ab"], ["ba"], [], ["rolling back leaves the elements of public.t.a in another order in 1 row"]),
        (["x", "y"], ["x"], ["1 row of public.t is lost"], []),
        (["x", "y"], ["x", "z"], ["public.t.a differs from before in 1 row"], []),
    ],
)
def test_a_change_of_rows_is_a_loss_or_a_note(
    before: list[str | None], now: list[str | None], errors: list[str], notes: list[str]
) -> None:
    losses = compare(state(*before), state(*now), NOTHING).losses
    assert ([loss.sentence for loss in losses.errors], list(losses.notes)) == (errors, notes)


def test_known_rows_are_subtracted_from_later_losses() -> None:
    known = compare(state("x", "y"), state("x", "y", "z"), NOTHING).known
    assert compare(state("x", "y"), state("x", "y", "z"), known).losses.notes == ()
    (loss,) = compare(state("x", "y"), state("x", "z"), known).losses.errors
    assert loss.names == ("column public.t.a",) and "1 row of public.t is lost" in loss.sentence


def test_a_missing_table_is_lost_with_all_its_rows() -> None:
    (loss,) = compare(state("x", "y"), state(table="public.other"), NOTHING).losses.errors
    assert (loss.sentence, loss.names) == ("all 2 rows of public.t are lost", ("table public.t",))
