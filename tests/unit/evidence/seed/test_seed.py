"""Synthetic rows without a server: the order of tables, patterns, check expressions, distinct keys."""

from __future__ import annotations

import re
from random import Random

import pytest

from kfm_ci.evidence.seed import check_literals, regex_samples, values
from kfm_ci.evidence.seed.cyclic_references import set_cyclic_keys
from kfm_ci.evidence.seed.dependency_order import group_tables
from kfm_ci.evidence.seed.model import SeedColumn, SeedForeignKey, SeedTable, Tuple, Type, Unique
from kfm_ci.evidence.seed.rows import compose_rows

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


def test_referenced_tables_come_first_and_cyclic_ones_together() -> None:
    ordered = [
        tuple(item.oid for item in group)
        for group in group_tables([table(1, 2), table(2, 3), table(3, 2), table(4), table(5, 5)])
    ]
    assert sorted(ordered) == [(1,), (2, 3), (4,), (5,)]
    assert ordered.index((2, 3)) < ordered.index((1,))


@pytest.mark.parametrize(
    "pattern", ["^[A-Z]{2}[0-9]{3}$", "^(a|b)+@[a-z]+\\.example$", "^[[:alpha:]_]+$", "^[^@ ]+$", r"^\d{4}-\d{2}$"]
)
def test_sample_texts_match_their_pattern(pattern: str) -> None:
    python = pattern.replace("[:alpha:]", "a-zA-Z")
    assert all(re.search(python, text) for text in regex_samples.matching_texts(pattern))
    assert len(set(regex_samples.matching_texts(pattern))) > 1


@pytest.mark.parametrize(
    "pattern", ["plain", "(", "[z-a]", "a{99999999999}", "(?P<x>", "x" * 501 + ".", "(((((a{9}){9}){9}){9}){9}){9}"]
)
def test_an_unknown_or_exploding_pattern_gives_few_texts_and_no_error(pattern: str) -> None:
    assert sum(map(len, regex_samples.matching_texts(pattern))) < 50_000


def test_a_check_suggests_its_literals_their_neighbours_and_lengths() -> None:
    found = check_literals.find_literals("((n > 5) AND (kind = 'it''s'::text) AND (length(code) = 3))")
    assert {"5", "6", "4", "it's", "aaa"} <= set(found)
    assert "it" not in found


def test_the_first_two_rows_differ_only_in_their_key_and_one_row_has_every_possible_null() -> None:
    ids: list[Tuple] = [{"id": str(number)} for number in range(20)]
    names: list[Tuple] = [{"r9": "x"}, {"r9": ""}, {"r9": None}]
    rows = compose_rows(table(1, 9, uniques=(Unique(columns=("id",)),)), [ids, names], Random(1), rows=6)
    assert len({row["id"] for row in rows}) == 6
    assert rows[0]["r9"] == rows[1]["r9"] == "x" and rows[2]["r9"] is None


def test_rows_without_a_distinct_key_are_left_out() -> None:
    two: list[Tuple] = [{"id": "a"}, {"id": "b"}]
    assert len(compose_rows(table(1, uniques=(Unique(columns=("id",)),)), [two], Random(1), rows=6)) == 2


def test_a_row_without_a_parent_references_itself_if_its_key_is_not_null() -> None:
    optional, required = table(1, 1), table(1, 1, nullable=False)
    planned = {1: [{"id": "a", "r1": None}, {"id": "b", "r1": None}]}
    assert [row["r1"] for row in set_cyclic_keys([optional], planned)[1]] == [None, "a"]
    assert None not in [row["r1"] for row in set_cyclic_keys([required], planned)[1]]


@pytest.mark.parametrize(
    "name", ["int2", "int4", "int8", "numeric", "text", "uuid", "date", "timestamptz", "bytea", "inet"]
)
def test_keys_differ(name: str) -> None:
    kind = Type(name=name, declared=name, kind="b")
    assert len({values.distinct_value(kind, number) for number in range(24)}) == 24


def test_values_fit_the_length_of_their_column() -> None:
    short = Type(name="varchar", declared="character varying(3)", kind="b", sizes=(3,))
    assert (
        max(len(text) for text in (*values.samples(short), *(values.distinct_value(short, n) or "" for n in range(24))))
        == 3
    )
