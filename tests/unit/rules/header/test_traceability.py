"""Request, impact, rollback, operational steps: from the header or the pull request's text."""

from __future__ import annotations

import pytest

from kfm_ci.analysis.change import Requirements
from kfm_ci.analysis.header_keys import EXAMPLE
from kfm_ci.analysis.pull_request_body import answer, sections
from kfm_ci.model import Severity
from kfm_ci.rules.header.traceability import Source, Topic, Traceability, is_ticket, traces

RULE = Traceability()
ALL_ASKED = Requirements(require_header=True, require_traceability=True)
WINDOW = EXAMPLE.replace("rollout: safe", "rollout: requires-maintenance-window")
BODY = "## Impact\n\nWriters wait for a second.\n\n## Operational steps\n1. pause the importer\n2. merge\n"


@pytest.mark.parametrize("value", ["https://example.com/t/1", "http://x.io/1", "PAY-12"])
def test_an_address_or_a_key_is_a_change_request(value):
    assert is_ticket(value, r"[A-Z][A-Z0-9]+-[0-9]+")


@pytest.mark.parametrize(
    "value",
    ["", "chat", "PAY-", "ftp://x.io/1", "https://", "see https://x.io/1", "javascript://x.io", "PAY-12 and more"],
)
def test_anything_else_is_none(value):
    assert not is_ticket(value, r"[A-Z][A-Z0-9]+-[0-9]+")


def test_the_minimal_header_is_enough(judge_text):
    assert judge_text(RULE, EXAMPLE) == []


def test_impact_is_asked_for_by_policy_and_found_in_the_pull_request(judge_text):
    (found,) = judge_text(RULE, EXAMPLE, requirements=ALL_ASKED)
    assert "no impact statement" in found.message and "change request in the header" in found.message
    assert judge_text(RULE, EXAMPLE, requirements=ALL_ASKED, body=BODY) == []


def test_a_window_without_steps_is_a_warning_and_an_error_where_asked_for(judge_text):
    (mild,) = judge_text(RULE, WINDOW)
    assert mild.severity is Severity.WARNING and "operational steps" in mild.message
    (strict,) = judge_text(RULE, WINDOW, requirements=ALL_ASKED, body="## Impact\nnone of note\n")
    assert strict.severity is Severity.ERROR
    assert judge_text(RULE, WINDOW, requirements=ALL_ASKED, body=BODY) == []


def test_all_that_is_missing_is_said_at_once(judge_text):
    (found,) = judge_text(RULE, "select 1;")
    assert "no change request, no rollback strategy" in found.message and found.severity is Severity.ERROR


def test_other_formats_are_asked_only_by_policy_and_warned(judge_text):
    assert judge_text(RULE, "select 1;", format="goose") == []
    (found,) = judge_text(RULE, "select 1;", format="goose", requirements=ALL_ASKED)
    assert found.severity is Severity.WARNING


def test_where_an_answer_was_found_is_known(change):
    built = change({"20260225_1200__add_widgets_table.up.sql": EXAMPLE}, body=BODY)
    found = {trace.topic: trace.source for trace in traces(built, built.new[0])}
    assert found == {
        Topic.TICKET: Source.HEADER,
        Topic.IMPACT: Source.BODY,
        Topic.ROLLBACK: Source.HEADER,
        Topic.OPS: Source.BODY,
    }


def test_a_change_request_may_stand_in_the_pull_request(judge_text):
    text = EXAMPLE.replace("https://example.com/tickets/12", "chat")
    assert judge_text(RULE, text, body="## Ticket\n\nCloses [PAY-12]\n") == []
    assert len(judge_text(RULE, text, body="## Ticket\n\nwe talked about it\n")) == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  \n",
        "- [ ] described",
        "- [x] described\n* [ ] more",
        "TBD",
        "n/a",
        "- todo",
        "**TBD**",
        "---",
        "...",
        "```\n```",
    ],
)
def test_checkboxes_and_placeholders_answer_nothing(text):
    assert answer(text) is None


def test_template_comments_and_fenced_headings_are_not_read():
    body = "# Impact <!-- say\n## Rollback\nhere -->\nreal\n```\n## Operational steps\n```\n<!-- open\n## Rollback\nx"
    assert set(sections(body)) == {"impact"}
    assert "real" in sections(body)["impact"]
