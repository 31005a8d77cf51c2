"""Counted nouns and limited lists, at their edges."""

from __future__ import annotations

import pytest

from kfm_ci import phrases


@pytest.mark.parametrize(("number", "text"), [(0, "0 rows"), (1, "1 row"), (2, "2 rows")])
def test_a_noun_agrees_with_its_number(number: int, text: str) -> None:
    assert phrases.count(number, "row") == text


def test_an_irregular_plural_is_given() -> None:
    assert [phrases.count(number, "index", "indexes") for number in (1, 3)] == ["1 index", "3 indexes"]


@pytest.mark.parametrize(
    ("items", "text"),
    [
        ((), ""),
        (("a",), "a"),
        (("a", "b"), "a, b"),
        (("a", "b", "c"), "a, b and 1 more"),
        (("a", "b", "c", "d"), "a, b and 2 more"),
    ],
)
def test_a_list_counts_what_it_does_not_show(items: tuple[str, ...], text: str) -> None:
    assert phrases.listed(items, 2) == text


def test_a_list_of_sentences_is_joined_otherwise() -> None:
    assert phrases.listed(("a", "b", "c"), 2, joint="; ") == "a; b and 1 more"


@pytest.mark.parametrize(
    ("numbers", "text"),
    [([4], "line 4"), ([4, 4], "line 4"), ([7, 4], "lines 7, 4"), ([1, 2, 3], "lines 1, 2 and 1 more")],
)
def test_lines_are_shown_once_in_their_order(numbers: list[int], text: str) -> None:
    assert phrases.lines(numbers, 2) == text


def test_names_stand_in_backticks_and_the_rest_is_counted() -> None:
    assert phrases.quoted(("public.a", "public.b", "public.c"), 2) == "`public.a`, `public.b` and 1 more"
