"""A lock that a wait extends blocks as long as one that work on rows extends."""

from __future__ import annotations

import pytest

COLUMN = "alter table orders add column paid_on date;"


@pytest.mark.parametrize(
    "wait",
    [
        "select pg_sleep(0.01);",
        "do $$ begin perform pg_sleep(0.01); end $$;",
        "select pg_advisory_xact_lock(7);",
    ],
)
def test_a_wait_under_a_lock_fails_the_gate(change, wait):
    verdict = change(f"{COLUMN}\n{wait}", "alter table orders drop column paid_on;")
    assert verdict.code == 1 and "lock-held-during-work" in verdict.errors, verdict.output


def test_a_lock_of_the_tool_before_the_change_passes(change):
    verdict = change(f"select pg_advisory_xact_lock(7);\n{COLUMN}", "alter table orders drop column paid_on;")
    assert verdict.code == 0, verdict.output
