"""Findings that are reported as one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kfm_ci.model import Finding, Hazard, Place, Severity
from kfm_ci.report import console, grouping
from kfm_ci.report.comment import findings


def finding(
    rule: str = "lock-blocks-reads", message: str = "they wait", line: int | None = 3, **other: object
) -> Finding:
    given = Finding(
        rule=rule,
        hazard=Hazard.BLOCKS_READS,
        severity=Severity.ERROR,
        message=message,
        help="Do it otherwise.",
        place=Place(file="a.sql", line=line),
    )
    return replace(given, **other)  # type: ignore[arg-type]


def test_what_one_remedy_mends_in_one_place_is_told_together_and_what_both_end_on_once() -> None:
    sent = " Its size is unknown. (the tool sent: ALTER TABLE a)"
    waits = finding(message=f"readers wait.{sent}")
    rewrites = finding("rewrite-under-lock", f"the table is written anew.{sent}")
    (told,) = grouping.group_findings([waits, rewrites])
    assert told.rules == ("lock-blocks-reads", "rewrite-under-lock")
    assert told.messages == ("readers wait.", f"the table is written anew.{sent}")


@pytest.mark.parametrize(
    "other",
    [
        finding("b", help="Do another thing."),
        finding("b", line=4),
        finding("b", severity=Severity.WARNING),
        finding("b", line=None),
        finding("b", help=""),
    ],
)
def test_what_needs_another_act_or_stands_elsewhere_is_told_apart(other: Finding) -> None:
    assert [item.rules for item in grouping.group_findings([finding(), other])] == [("lock-blocks-reads",), ("b",)]


def test_the_same_two_things_of_several_places_are_told_once_with_the_places() -> None:
    many = [finding(rule, line=line) for line in (3, 5, 8) for rule in ("one", "two")]
    (told,) = grouping.group_findings(many)
    assert told.rules == ("one", "two") and grouping.places(told.others) == [("a.sql", ":5, 8")]


def warnings(count: int, severity: Severity = Severity.WARNING) -> list[Finding]:
    return [
        finding("cut-off", f"stops at {number}", number, severity=severity, help=f"from {number} on")
        for number in range(1, count + 1)
    ]


def test_a_crowd_of_one_rule_is_led_by_three_and_its_places_are_counted() -> None:
    told = grouping.group_findings([*warnings(12), finding()])
    assert [item.is_abridged for item in told] == [False] * 3 + [True, False]
    assert grouping.places(told[3].others) == [("a.sql", ":4, 5, 6, 7, 8 and 4 more")]


def test_few_of_one_rule_and_all_that_refuses_are_told_in_their_own_words() -> None:
    assert not any(item.is_abridged for item in grouping.group_findings(warnings(grouping.FULL_GROUPS)))
    assert not any(item.is_abridged for item in grouping.group_findings(warnings(30, Severity.ERROR)))


def test_every_finding_of_a_crowd_is_counted_in_comment_and_log() -> None:
    crowd = tuple(replace(item, place=Place(file=f"{number}.sql", line=1)) for number, item in enumerate(warnings(20)))
    comment = findings.active(crowd)
    assert comment.count("stops at") == 3
    assert "17 more in the full report" in comment and "and 12 more files" in comment
    text = "\n".join(str(part) for group in console.findings(crowd, {}) for part in group.renderables)
    assert text.count("stops at") == 3 and "and 13 more places, all in gate.json" in text
