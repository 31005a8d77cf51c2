"""Facts of docs/tools about how a tool splits a file into statements, asked of the tool."""

from __future__ import annotations

import pytest
from histories import CACHE, TOOLS, Step
from test_comparison import by_the_tool

BY_NAME = {tool.name: tool for tool in TOOLS}


def installed(name):
    if not BY_NAME[name].there:
        pytest.skip(f"NOT RUN: {name} is not installed under {CACHE}; run `make test-tools`")
    return BY_NAME[name]


@pytest.mark.parametrize(
    ("before", "failed"), [("", "select 1/0"), ("BEGIN;\n", "BEGIN;"), ("BEGIN;\nselect 1;\nEND;\n", "select 1/0")]
)
def test_liquibase_does_not_split_between_begin_and_end(server, tmp_path, before, failed):
    (tmp_path / "changes.sql").write_text(
        f"--liquibase formatted sql\n--changeset a:1\n{before}select 1/0;\nselect 2;\n"
    )
    name = f"splits_{len(before)}"
    _, ended, said = by_the_tool(installed("liquibase"), server, tmp_path, name)
    assert not ended and f"[Failed SQL: (0) {failed}" in said, said


@pytest.mark.parametrize(("more", "runs"), [("", True), ("create table u (id int);\n", False)])
def test_prisma_builds_an_index_concurrently_only_as_the_single_statement_of_a_file(server, tmp_path, more, runs):
    prisma, root = installed("prisma"), tmp_path / "migrations"
    root.mkdir()
    for number, sql in enumerate(("create table t (id int);\n", f"create index concurrently i on t (id);\n{more}"), 1):
        prisma.write(root, number, Step(sql, ""))
    _, ended, said = by_the_tool(prisma, server, root, f"concurrently_{runs}".lower())
    assert ended is runs, said
