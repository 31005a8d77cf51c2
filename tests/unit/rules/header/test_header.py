"""The header, key by key."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kfm_ci.analysis.change import Requirements
from kfm_ci.analysis.header_keys import EXAMPLE, REQUIRED, placeholder
from kfm_ci.model import Severity
from kfm_ci.rules.header.header_dialect import HeaderDialect
from kfm_ci.rules.header.header_id import HeaderId
from kfm_ci.rules.header.header_keys import HeaderKeys
from kfm_ci.rules.header.header_missing import HeaderMissing
from kfm_ci.rules.header.header_placeholder import HeaderPlaceholder
from kfm_ci.rules.header.header_transaction import HeaderTransaction
from kfm_ci.rules.header.header_values import CLOSED, HeaderValues


def without(key: str) -> str:
    return "\n".join(line for line in EXAMPLE.split("\n") if not line.startswith(f"-- {key}:"))


@pytest.mark.parametrize("key", REQUIRED)
def test_each_required_key_is_missed_by_name(judge_text, key):
    (found,) = judge_text(HeaderKeys(), without(key))
    assert f"`{key}`" in found.message and "is missing" in found.message


def test_an_unknown_key_is_refused_with_the_nearest(judge_text):
    (found,) = judge_text(HeaderKeys(), EXAMPLE.replace("-- dialect", "-- roll-out: safe\n-- dialect"))
    assert found.help == "Write `rollout` if that is meant." and found.place.line == 8


def test_an_empty_key_is_refused(judge_text):
    (found,) = judge_text(HeaderKeys(), EXAMPLE.replace("payments-team", ""))
    assert "is empty" in found.message


def test_what_the_reader_found_is_told(judge_text, change):
    built = change({"20260225_1200__add_widgets_table.up.sql": EXAMPLE})
    migration = built.new[0]
    twice = replace(migration, header=replace(migration.header, problems=((4, "key 'ticket' is given twice"),)))
    (found,) = HeaderKeys().check(replace(built, new=(twice,)))
    assert found.place.line == 4 and "twice" in found.message


def test_other_formats_are_asked_for_a_header_only_by_policy(judge_text):
    bare = "create table widgets ();\n"
    assert judge_text(HeaderMissing(), bare, format="dbmate") == []
    asked = Requirements(require_header=True, require_traceability=False)
    assert len(judge_text(HeaderMissing(), bare, format="dbmate", requirements=asked)) == 1


@pytest.mark.parametrize("key", sorted(CLOSED))
def test_a_value_outside_its_set_is_refused(judge_text, key):
    (found,) = judge_text(HeaderValues(), without(key).replace("-- dialect", f"-- {key}: none\n-- dialect"))
    assert found.message.startswith(f"`{key}`: expected")
    for value in CLOSED[key]:
        assert judge_text(HeaderValues(), without(key).replace("-- dialect", f"-- {key}: {value}\n-- dialect")) == []


def test_the_nearest_value_is_suggested(judge_text):
    (found,) = judge_text(HeaderValues(), EXAMPLE.replace("rollout: safe", "rollout: Safe"))
    assert "rollout: safe" in found.help


def test_the_id_of_another_file_is_refused(judge_text):
    (found,) = judge_text(HeaderId(), EXAMPLE.replace("1200__add", "1201__add"))
    assert found.place.line == 2 and found.severity is Severity.ERROR


@pytest.mark.parametrize(
    "value", ["TBD", "tbd", "todo", "owner TBD", "TODO: ask", "?", "...", "<team>", "n/a", "-", "changeme"]
)
def test_a_promise_is_a_placeholder(value):
    assert placeholder(value)


@pytest.mark.parametrize(
    "value", ["todo-list-team", "adds the todo column", "no impact", "https://x.io/TODO-app", "a - b"]
)
def test_prose_about_todos_is_none(value):
    assert not placeholder(value)


def test_a_placeholder_is_found_on_its_line(judge_text):
    (found,) = judge_text(HeaderPlaceholder(), EXAMPLE.replace("payments-team", "TODO"))
    assert found.place.line == 3


def test_another_dialect_is_refused(judge_text):
    assert len(judge_text(HeaderDialect(), EXAMPLE.replace("dialect: postgresql", "dialect: postgres"))) == 1
    assert judge_text(HeaderDialect(), EXAMPLE) == []


@pytest.mark.parametrize("reason", [None, "TBD", ""])
def test_leaving_the_transaction_needs_a_reason(judge_text, reason):
    more = "-- transaction: no\n" + (f"-- transaction-reason: {reason}\n" if reason is not None else "")
    (found,) = judge_text(HeaderTransaction(), EXAMPLE.replace("-- dialect", f"{more}-- dialect"))
    assert "transaction-reason" in found.message and found.place.line == 8


def test_staying_in_the_transaction_needs_none(judge_text):
    assert judge_text(HeaderTransaction(), EXAMPLE.replace("-- dialect", "-- transaction: yes\n-- dialect")) == []
