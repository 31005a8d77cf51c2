from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

from evidence_samples import calm, dangerous, hostile, nothing_new, stages
from hypothesis import given, settings
from hypothesis import strategies as st

from kfm_ci.evidence.model import Evidence
from kfm_ci.model import StageStatus
from kfm_ci.report import junit


def suites(evidence: Evidence) -> dict[str, ElementTree.Element]:
    root = ElementTree.fromstring(junit.render(evidence).encode())
    assert int(root.get("tests", "-1")) == len(root.findall(".//testcase"))
    assert int(root.get("failures", "-1")) == len(root.findall(".//failure"))
    return {suite.get("name", ""): suite for suite in root}


def test_there_is_a_suite_for_each_stage() -> None:
    assert list(suites(dangerous())) == ["validate", "provision", "dry-run", "apply", "rollback", "smoke", "checksums"]


def test_only_what_refuses_fails() -> None:
    apply = suites(dangerous())["apply"]
    assert [case.get("type") for case in apply.iter("failure")] == ["table-rewrite"]
    assert len(apply.findall(".//system-out")) == 3


def test_smoke_tests_are_cases() -> None:
    cases = {case.get("name"): case for case in suites(dangerous())["smoke"]}
    assert cases["smoke/orders.sql:1"].find("failure") is None
    assert cases["smoke/totals.sql:3"].find("failure") is not None


def test_a_skipped_stage_is_no_passed_test() -> None:
    suite = suites(replace(calm(), stages=stages(smoke=StageStatus.SKIPPED, apply=StageStatus.ERRORED)))
    assert suite["smoke"].get("skipped") == "1" and suite["apply"].get("errors") == "1"


def test_an_early_end_is_an_error() -> None:
    assert suites(replace(nothing_new(), failure="KFM-E01: no engine"))["run"].get("errors") == "1"


@settings(max_examples=40, deadline=None)
@given(st.text(alphabet=st.characters(), max_size=30))
def test_hostile_text_keeps_the_xml_readable(text: str) -> None:
    apply = suites(hostile(text))["apply"]
    assert [case.get("type") for case in apply.iter("failure")] == [
        case.get("type") for case in suites(hostile("plain"))["apply"].iter("failure")
    ]


def test_characters_that_xml_forbids_are_spelt_out() -> None:
    assert "⟨U+0000⟩⟨U+001B⟩" in junit.render(hostile("\x00\x1b\ufffe"))
