"""What holds for every rule."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kfm_ci.analysis.change import Requirements
from kfm_ci.model import Hazard, default_severity
from kfm_ci.rules import ALL, registry
from kfm_ci.rules.compatibility.table_dropped import TABLE_DROPPED

# Rules about several files or about sizes have tests of their own for their examples.
OF_OTHER_TOOLS = {"session-setting-leaks"}
OF_SEVERAL_FILES = {
    "dropped-object-in-use",
    "unreadable-name",
    "out-of-order",
    "history-row-not-atomic",
    "non-transactional-tool",
    "duplicate-version",
    "applied-migration-changed",
    "manifest-stale",
    "oversized-file",
    "stray-file",
    "unused-acknowledgement",
}


@pytest.mark.parametrize(
    "rule", [rule for rule in ALL if rule.info.id not in OF_SEVERAL_FILES], ids=lambda rule: rule.info.id
)
def test_a_rule_tells_with_the_severity_that_its_page_names(rule, judge_text):
    format = "flyway" if rule.info.id in OF_OTHER_TOOLS else "kfm"
    usual = {default_severity(rule.info.hazard, native_format=format == "kfm"), default_severity(rule.info.hazard)}
    told = {found.severity for found in judge_text(rule, rule.info.bad, format=format)}
    assert told <= (set(rule.info.severities) or usual), "let the rule's `severities` name it"


@pytest.mark.parametrize("rule", ALL, ids=lambda rule: rule.info.id)
def test_a_rule_says_what_it_protects(rule):
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", rule.info.id)
    assert isinstance(rule.info.hazard, Hazard)
    assert rule.info.title and rule.info.why and rule.info.bad and rule.info.good and rule.info.bad != rule.info.good


def test_a_second_definition_of_a_rule_id_is_rejected():
    with pytest.raises(ValueError, match="table-dropped"):
        registry.unique((*registry.RULES, TABLE_DROPPED))


@pytest.mark.parametrize(
    "rule", [rule for rule in ALL if rule.info.id not in OF_SEVERAL_FILES], ids=lambda rule: rule.info.id
)
def test_the_bad_example_is_found_and_the_good_one_is_not(rule, judge_text):
    runbook = {"docs/runbooks/widgets.md": "1. stop the writers\n"}
    format = "flyway" if rule.info.id in OF_OTHER_TOOLS else "kfm"
    assert {found.rule for found in judge_text(rule, rule.info.bad, outside=runbook, format=format)} == {rule.info.id}
    assert judge_text(rule, rule.info.good, outside=runbook, format=format) == []


@pytest.mark.parametrize("rule", ALL, ids=lambda rule: rule.info.id)
def test_an_empty_change_has_no_findings(rule, judge):
    assert judge(rule, {}) == []


@pytest.mark.parametrize("strict", [False, True])
def test_the_contracts_header_without_optional_keys_passes_every_rule(judge_text, strict):
    from kfm_ci.analysis.header_keys import EXAMPLE

    requirements = Requirements(require_header=strict, require_traceability=False)
    assert [found for rule in ALL for found in judge_text(rule, EXAMPLE, requirements=requirements)] == []


def test_every_finding_has_a_remedy_and_a_page(judge):
    head = {"20260225_1200__42.up.sql": "create role r login password 'Kq7vTr2mZx91';\n", "hotfix.sql": "select 1;\n"}
    findings = [found for rule in ALL for found in judge(rule, head)]
    assert {"unreadable-name", "header-missing", "secret", "stray-file", "traceability"} <= {f.rule for f in findings}
    pages = {path.name for path in (Path(__file__).parents[3] / "docs" / "rules").glob("*.md")}
    assert all(found.help and found.docs and found.docs.rpartition("/")[2] == f"{found.rule}.md" for found in findings)
    assert {f"{found.rule}.md" for found in findings} <= pages
