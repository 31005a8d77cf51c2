"""Names, order, uniqueness."""

from __future__ import annotations

import pytest

from kfm_ci.model import Severity
from kfm_ci.rules.files.duplicate_version import DuplicateVersion
from kfm_ci.rules.files.out_of_order import OutOfOrder
from kfm_ci.rules.files.unreadable_name import UnreadableName

OLD = {"20260101_0900__init.up.sql": "select 1;", "20260301_0900__add_orders.up.sql": "select 1;"}


@pytest.mark.parametrize("slug", ["42", "a_b", "1_2_3x"])
def test_a_name_without_words_is_refused(judge, slug):
    (found,) = judge(UnreadableName(), {f"20260225_1200__{slug}.up.sql": "select 1;"})
    assert found.severity is Severity.ERROR


@pytest.mark.parametrize("slug", ["add_widgets_table", "fix", "v2_api"])
def test_a_name_with_a_word_passes(judge, slug):
    assert judge(UnreadableName(), {f"20260225_1200__{slug}.up.sql": "select 1;"}) == []


def test_other_tools_keep_their_own_names(judge):
    assert judge(UnreadableName(), {"1__2.up.sql": "select 1;"}, format="flyway") == []


def test_a_name_already_on_the_base_is_not_judged_again(judge):
    files = {"20260225_1200__42.up.sql": "select 1;"}
    assert judge(UnreadableName(), files, files) == []


def test_two_pull_requests_that_raced_are_both_named_with_the_one_command(judge):
    parted = {"20260101_0900__init.up.sql": "select 1;"}
    new = "20260225_1200__add_widgets_table.up.sql"
    (found,) = judge(OutOfOrder(), parted | {new: "select 2;"}, OLD, parted)
    assert new in found.message and "20260301_0900__add_orders.up.sql" in found.message
    assert "merged after this change began" in found.message
    assert found.help == f"Run `kfm-ci new --renumber migrations/db/{new}`."


def test_a_gap_is_not_filled_in_behind(judge):
    (found,) = judge(OutOfOrder(), OLD | {"20260201_0000__between.up.sql": "select 2;"}, OLD)
    assert "merged after" not in found.message


def test_a_migration_after_all_others_is_in_order(judge):
    head = OLD | {"20260302_1000__later.up.sql": "select 2;"}
    assert judge(OutOfOrder(), head, OLD) == []
    assert judge(DuplicateVersion(), head, OLD) == []


def test_without_a_base_nothing_is_out_of_order(judge):
    assert judge(OutOfOrder(), OLD) == []


def test_numbers_compare_as_numbers(judge):
    base = {"V9__nine.up.sql": "select 1;"}
    assert judge(OutOfOrder(), base | {"V10__ten.up.sql": "select 1;"}, base) == []
    assert len(judge(OutOfOrder(), base | {"V8__eight.up.sql": "select 1;"}, base)) == 1


def test_a_time_beside_numbers_is_told_to_sort_before_them(judge):
    base = {"V9__nine.up.sql": "select 1;"}
    found = judge(OutOfOrder(), base | {"20260302_1000__later.up.sql": "select 2;"}, base)
    assert len(found) == 1


def test_a_repeatable_migration_has_no_place_in_the_order(judge):
    base = {"V9__nine.up.sql": "select 1;", "R__views.up.sql": "select 1;"}
    assert judge(OutOfOrder(), base | {"V91__more.up.sql": "select 1;"}, base, format="flyway") == []


@pytest.mark.parametrize("number", ["V000124", "V124"])
def test_a_version_taken_on_the_base_meanwhile_is_found(judge, number):
    base = {"V000124__add_orders.up.sql": "select 1;"}
    new = f"{number}__add_widgets.up.sql"
    (found,) = judge(DuplicateVersion(), {new: "select 2;"}, base, {})
    assert "V000124__add_orders" in found.message and new in found.message
    assert judge(OutOfOrder(), {new: "select 2;"}, base, {}) == []


def test_what_was_renamed_is_not_asked_to_sort_last(judge):
    head = {"20260101_0901__init.up.sql": "select 0;", "20260301_0900__add_orders.up.sql": "select 1;"}
    base = {"20260101_0900__init.up.sql": "select 0;", "20260301_0900__add_orders.up.sql": "select 1;"}
    assert judge(OutOfOrder(), head, base) == []
    assert len(judge(OutOfOrder(), head | {"20260101_0901__init.up.sql": "select 2;"}, base)) == 1
