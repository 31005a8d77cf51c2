"""The declared way back exists."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kfm_ci.analysis.header_keys import EXAMPLE
from kfm_ci.migrations.model import ToolSemantics
from kfm_ci.model import Severity
from kfm_ci.rules.header.rollback_missing import RollbackMissing
from tests.unit.conftest import change_of

RULE = RollbackMissing()
ID = "20260225_1200__add_widgets_table"
LATER = "20260226_1200__drop_widgets"


def manual(path: str) -> str:
    return EXAMPLE.replace("rollback: down", f"rollback: manual\n-- runbook: {path}")


def compensated(by: str) -> str:
    return EXAMPLE.replace("rollback: down", f"rollback: compensating\n-- compensated-by: {by}")


@pytest.mark.parametrize("down", ["", "\n", "-- nothing to do\n", "/* drop table widgets; */ ;"])
def test_a_down_without_statements_is_none(judge, down):
    (found,) = judge(RULE, {f"{ID}.up.sql": EXAMPLE, f"{ID}.down.sql": down})
    assert found.severity is Severity.ERROR and "no statement" in found.message


def test_a_down_that_is_not_there_is_missed(judge):
    (found,) = judge(RULE, {f"{ID}.up.sql": EXAMPLE})
    assert found.place.line == 7 and "there is none" in found.message


def test_a_down_with_a_statement_passes(judge):
    assert judge(RULE, {f"{ID}.up.sql": EXAMPLE, f"{ID}.down.sql": "drop table widgets"}) == []


@pytest.mark.parametrize(
    ("by", "says"), [("nothing", "no migration"), (ID, "does not come later"), ("20260101_0000__before", "not come")]
)
def test_a_compensation_must_exist_and_come_later(judge, by, says):
    (found,) = judge(
        RULE,
        {f"{ID}.up.sql": compensated(by), "20260101_0000__before.up.sql": EXAMPLE},
        {"20260101_0000__before.up.sql": EXAMPLE},
    )
    assert says in found.message


def test_a_later_compensation_passes(judge):
    later = {f"{LATER}.up.sql": "drop table widgets;", f"{LATER}.down.sql": "select 1;"}
    assert judge(RULE, {f"{ID}.up.sql": compensated(LATER), **later}, later) == []


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "../secrets.md",
        "docs/../../x.md",
        "docs\\x.md",
        "~/x.md",
        "https://example.com/x",
        "docs/none.md",
        "docs/empty.md",
        ".",
    ],
)
def test_a_runbook_outside_missing_or_empty_is_refused(judge, path):
    outside = {"docs/empty.md": " \n", "../secrets.md": "x", "/etc/passwd": "x"}
    assert len(judge(RULE, {f"{ID}.up.sql": manual(path)}, outside=outside)) == 1


def test_a_runbook_that_exists_passes(judge):
    assert judge(RULE, {f"{ID}.up.sql": manual("./docs/run.md")}, outside={"docs/run.md": "1. stop"}) == []


def test_other_formats_without_a_way_back_are_warned(judge):
    (found,) = judge(RULE, {"1__init.up.sql": "select 1;"}, format="flyway")
    assert found.severity is Severity.WARNING


def test_a_house_migration_without_header_is_the_header_rules_matter(judge):
    assert judge(RULE, {f"{ID}.up.sql": "select 1;"}) == []


def test_what_to_add_is_said_in_the_words_of_the_tool():
    change = change_of({"1__a.up.sql": "create table a ();"}, format="liquibase")
    (found,) = RULE.check(
        replace(
            change, head=replace(change.head, semantics=ToolSemantics(down_description="a `rollback` to the changeset"))
        )
    )
    assert found.help.startswith("Add a `rollback` to the changeset, or")
