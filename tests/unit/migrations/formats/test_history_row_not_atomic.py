"""Tools that note a migration only after it is committed."""

from __future__ import annotations

import pytest

FILES = {
    "m/V1__a.sql": "select 1;",
    "m/c.sql": "--liquibase formatted sql\n--changeset a:1\nselect 1;\n",
    "m/1_a.up.sql": "select 1;",
}


@pytest.mark.parametrize(
    ("format", "settings", "way_out"),
    [
        ("flyway", {}, "flyway repair"),
        ("flyway", {"flyway.conf": "flyway.postgresql.transactional.lock=false"}, None),
        ("liquibase", {}, "mark-next-changeset-ran"),
        ("refinery", {}, "refinery_schema_history"),
        ("golang-migrate", {}, None),
    ],
)
def test_a_tool_that_can_be_cut_off_before_its_row_says_the_way_out(load, format, settings, way_out):
    told = load(format, {**FILES, **settings}).semantics.history_row_repair
    assert (way_out in told) if way_out else told is None
