"""A migration that fails: when it runs again, and whose error the finding reports."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

TABLE = "create table runs (at timestamptz default now());\n"
INSERT = "insert into runs default values;\n"
FAIL = "do $$ begin raise exception 'run %', (select count(*) from runs); end $$;\n"
NEW = {"V3__new.sql": "create table t (id bigint primary key);\n"}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"create index concurrently if not exists runs_at on runs (at);\n{INSERT}{FAIL}", 3),
        (f"{INSERT}commit;\n{FAIL}", 3),
        (f"begin;\n{INSERT}commit;\nbegin;\n{FAIL}commit;\n", 5),
        (f"{INSERT}\n{FAIL}", 3),
    ],
    ids=["outside a transaction", "after a commit", "two transactions", "one message"],
)
def test_a_failed_file_of_the_base_commits_nothing_twice(
    gate: Callable[..., dict[str, Any]], text: str, line: int
) -> None:
    report = gate({"V1__runs.sql": TABLE, "V2__fails.sql": text}, NEW)
    (failed,) = [item for item in report["findings"] if item["migration"] == "V2__fails"]
    assert "P0001: run 1" in failed["message"]
    assert failed["line"] == line


def test_an_error_of_kfm_ci_is_not_attributed_to_postgresql(gate: Callable[..., dict[str, Any]]) -> None:
    report = gate(
        {"V1__runs.sql": TABLE}, {"V2__open.sql": f"create index concurrently i on runs (at);\nbegin;\n{INSERT}"}
    )
    (failed,) = [item for item in report["findings"] if item["rule"] == "not-allowed-in-transaction"]
    assert failed["message"] == "The file leaves a transaction open, so its changes are lost when the session ends."
