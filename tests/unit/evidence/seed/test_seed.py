"""The thinking behind synthetic rows, without a server: orders, patterns, conditions, keys that stand apart."""

from __future__ import annotations

import re
from random import Random

import pytest

from kfm_ci.evidence.seed import check_literals, regex_samples, values
from kfm_ci.evidence.seed.cyclic_references import tie
from kfm_ci.evidence.seed.dependency_order import groups
from kfm_ci.evidence.seed.model import SeedColumn, SeedForeignKey, SeedTable, Tuple, Type, Unique
from kfm_ci.evidence.seed.rows import compose

TEXT = Type(name="text", declared="text", kind="b")


def table(oid: int, *targets: int, uniques: tuple[Unique, ...] = (), nullable: bool = True) -> SeedTable:
    keys = tuple(SeedForeignKey(columns=(f"r{target}",), target=target, keys=("id",)) for target in targets)
    columns = (
        SeedColumn(name="id", type=TEXT, nullable=False),
        *(SeedColumn(name=f"r{target}", type=TEXT, nullable=nullable) for target in targets),
    )
    return SeedTable(
        oid=oid, schema="s", relation=f"t{oid}", name=f"s.t{oid}", columns=columns, foreign_keys=keys, uniques=uniques
    )


def test_parents_come_first_and_a_circle_together() -> None:
    ordered = [
        tuple(item.oid for item in group)
        for group in groups([table(1, 2), table(2, 3), table(3, 2), table(4), table(5, 5)])
    ]
    assert sorted(ordered) == [(1,), (2, 3), (4,), (5,)]
    assert ordered.index((2, 3)) < ordered.index((1,))


@pytest.mark.parametrize(
    "pattern", ["^[A-Z]{2}[0-9]{3}$", "^(a|b)+@[a-z]+\\.example$", "^[[:alpha:]_]+$", "^[^@ ]+$", r"^\d{4}-\d{2}$"]
)
def test_texts_are_found_that_a_pattern_matches(pattern: str) -> None:
    python = pattern.replace("[:alpha:]", "a-zA-Z")
    assert all(re.search(python, text) for text in regex_samples.matching(pattern))
    assert len(set(regex_samples.matching(pattern))) > 1


@pytest.mark.parametrize(
    "pattern", ["plain", "(", "[z-a]", "a{99999999999}", "(?P<x>", "x" * 501 + ".", "(((((a{9}){9}){9}){9}){9}){9}"]
)
def test_what_is_no_pattern_or_explodes_gives_little_and_no_error(pattern: str) -> None:
    assert sum(map(len, regex_samples.matching(pattern))) < 50_000


def test_a_condition_suggests_its_constants_their_neighbours_and_lengths() -> None:
    found = check_literals.spoken("((n > 5) AND (kind = 'it''s'::text) AND (length(code) = 3))")
    assert {"5", "6", "4", "it's", "aaa"} <= set(found)
    assert "it" not in found


def test_the_first_two_rows_are_twins_but_for_their_key_and_one_row_is_as_empty_as_may_be() -> None:
    ids: list[Tuple] = [{"id": str(number)} for number in range(20)]
    names: list[Tuple] = [{"r9": "x"}, {"r9": ""}, {"r9": None}]
    rows = compose(table(1, 9, uniques=(Unique(columns=("id",)),)), [ids, names], Random(1), rows=6)
    assert len({row["id"] for row in rows}) == 6
    assert rows[0]["r9"] == rows[1]["r9"] == "x" and rows[2]["r9"] is None


def test_rows_that_cannot_differ_are_left_out() -> None:
    two: list[Tuple] = [{"id": "a"}, {"id": "b"}]
    assert len(compose(table(1, uniques=(Unique(columns=("id",)),)), [two], Random(1), rows=6)) == 2


def test_a_row_without_a_parent_refers_to_itself_where_it_must() -> None:
    free, bound = table(1, 1), table(1, 1, nullable=False)
    planned = {1: [{"id": "a", "r1": None}, {"id": "b", "r1": None}]}
    assert [row["r1"] for row in tie([free], planned)[1]] == [None, "a"]
    assert None not in [row["r1"] for row in tie([bound], planned)[1]]


@pytest.mark.parametrize(
    "name", ["int2", "int4", "int8", "numeric", "text", "uuid", "date", "timestamptz", "bytea", "inet"]
)
def test_keys_differ(name: str) -> None:
    kind = Type(name=name, declared=name, kind="b")
    assert len({values.key(kind, number) for number in range(24)}) == 24


def test_values_fit_the_length_of_their_column() -> None:
    short = Type(name="varchar", declared="character varying(3)", kind="b", sizes=(3,))
    assert max(len(text) for text in (*values.of(short), *(values.key(short, n) or "" for n in range(24)))) == 3
