"""CREATE INDEX CONCURRENTLY beside another statement, under tools that send a file as one message."""

from __future__ import annotations

import json

import pytest

from kfm_ci.analysis.change import Change, Requirements
from kfm_ci.migrations.model import History
from kfm_ci.model import Finding, Hazard, Severity
from kfm_ci.rules.transactions.non_transactional_mixed import NonTransactionalMixed

BUILD = "create index concurrently i on a (id);\n"
TWO = f"alter table a add column b int;\n{BUILD}"
PRISMA = {"package.json": json.dumps({"devDependencies": {"prisma": "6.19.0"}})}
FILES = {
    "golang-migrate": ("m/1_a.up.sql", "", {}),
    "dbmate": ("m/1_a.sql", "-- migrate:up transaction:false\n", {}),
    "sqlx": ("m/1_a.sql", "-- no-transaction\n", {}),
    "diesel": ("m/1_a/up.sql", "", {"m/1_a/metadata.toml": "run_in_transaction = false\n"}),
    "prisma": ("m/1_a/migration.sql", "", PRISMA),
    "graphile-migrate": ("m/000001.sql", "--! Previous: -\n\n--! no-transaction\n", {}),
}


def judged(history: History) -> set[Hazard]:
    return {item.hazard for item in told(history)}


def told(history: History) -> list[Finding]:
    asked = Requirements(require_header=False, require_traceability=False)
    change = Change(head=history, base=None, merge_base=None, new=history.migrations, tree=None, requirements=asked)
    return list(NonTransactionalMixed().check(change))


@pytest.mark.parametrize("format", FILES)
def test_it_is_refused_where_the_file_is_one_message_and_fine_alone(load, format):
    path, first, more = FILES[format]
    last = "-- migrate:down\n" if format == "dbmate" else ""
    assert judged(load(format, {path: f"{first}{TWO}{last}", **more})) == {Hazard.TRANSACTION}
    assert judged(load(format, {path: f"{first}{BUILD}{last}", **more})) == set()


@pytest.mark.parametrize(
    ("first", "severity"),
    [
        ("alter table a add column if not exists b int, drop column if exists c", Severity.WARNING),
        ("drop view if exists v", Severity.WARNING),
        ("create table if not exists b (id int)", Severity.WARNING),
        ("create or replace view v as select 1", Severity.WARNING),
        ("alter table if exists a add column b int", Severity.ERROR),
        ("alter table a add column if not exists b int, drop c", Severity.ERROR),
        ("update a set b = 1 where id = 1", Severity.ERROR),
    ],
)
def test_a_file_that_says_itself_that_it_can_run_again_is_a_warning(load, first, severity):
    (found,) = told(load("goose", {"m/1_a.sql": f"-- +goose NO TRANSACTION\n-- +goose Up\n{first};\n{BUILD}"}))
    assert found.severity is severity
