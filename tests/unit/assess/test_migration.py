"""Findings from evidence given by hand: size, place, phase, and suspects settled."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kfm_ci.assess.migration import check_migration
from kfm_ci.assess.suspected_findings import by_place, settle
from kfm_ci.evidence.model import (
    ObjectChange,
    SchemaDiff,
)
from kfm_ci.evidence.statement_evidence import (
    Lock,
    LockEvidence,
    LockMode,
    StatementEffects,
    StatementEvidence,
    Timeouts,
)
from kfm_ci.evidence.table_statistics.model import SCHEMA, Statistics, TableSize
from kfm_ci.evidence.tables import ForeignKey
from kfm_ci.migrations.model import Migration
from kfm_ci.model import Digest, Finding, Hazard, Mode, Place, Rollout, Severity, Verdict
from kfm_ci.sql.script import Script, SourceFile

SCAN = StatementEvidence(
    line=1,
    end_line=1,
    kind="ALTER TABLE",
    duration_ms=1.0,
    locks=LockEvidence(taken=(Lock(relation="public.t", mode=LockMode.ACCESS_EXCLUSIVE, preexisting=True),)),
    effects=StatementEffects(scans=("public.t",), preexisting=("public.t",), wal_bytes=0),
    timeouts=Timeouts(lock_ms=2000),
)
QUIET = replace(SCAN, effects=StatementEffects(wal_bytes=0))
TEXT = "alter table t alter column a set not null;"


def migration(text: str = TEXT) -> Migration:
    file = SourceFile(path="m/a.up.sql", data=text.encode(), text=text, sha256=Digest.of(text.encode()))
    return Migration(id="a", version="a", sort_key=(1,), name="a", up=Script(file=file, text=text))


def sizes(*tables: TableSize) -> Statistics:
    return Statistics(
        schema=SCHEMA, environment="e", taken_at="2026-01-01T00:00:00Z", server_version="17", tables=tables
    )


def test_an_estimate_counts_the_writes_that_arrive_meanwhile() -> None:
    busy = sizes(TableSize(name="public.t", rows=20_000, bytes=4_000_000_000, writes_per_second=150.0))
    found = next(
        item for item in check_migration(migration(), (SCAN,), statistics=busy) if item.hazard is Hazard.BLOCKS_READS
    )
    assert "20 s or more" in found.message
    assert "about 3,000 writes to it arrive in that time" in found.message


@pytest.mark.parametrize(
    ("rows", "rollout", "severity", "said"),
    [
        (None, None, Severity.ERROR, "unknown"),
        (40, None, Severity.NOTE, "too few"),
        (1_000_000_000, None, Severity.ERROR, "1,000 s"),
        (50_000, Rollout.WINDOW, Severity.WARNING, "50,000"),
    ],
)
def test_severity_follows_the_size_in_production(
    rows: int | None, rollout: Rollout | None, severity: Severity, said: str
) -> None:
    statistics = sizes(TableSize(name="public.t", rows=rows)) if rows is not None else None
    found = check_migration(migration(), (SCAN,), rollout=rollout, statistics=statistics)
    assert {item.severity for item in found} == {severity}
    assert all(said in item.message for item in found)


def test_the_remedy_names_the_table_and_the_column() -> None:
    found = next(item for item in check_migration(migration(), (SCAN,)) if item.hazard is Hazard.FULL_SCAN)
    assert found.help is not None
    assert "alter table t add constraint a_not_null check (a is not null) not valid;" in found.help
    assert (found.place.file, found.place.line) == ("m/a.up.sql", 1)


def test_a_lock_for_catalog_changes_only_is_a_note() -> None:
    (found,) = check_migration(migration(), (QUIET,))
    assert (found.rule, found.severity) == ("brief-lock", Severity.NOTE)


REMOVED = SchemaDiff(removed=("column public.t.a",))


def test_a_dropped_column_is_an_error_until_the_policy_has_seen_its_phase() -> None:
    found = check_migration(migration("alter table t drop column a;"), (), schema_diff=REMOVED)
    assert {(item.hazard, item.severity) for item in found} == {
        (Hazard.DATA_LOSS, Severity.ERROR),
        (Hazard.BREAKS_CLIENTS, Severity.ERROR),
    }


def test_what_the_same_pull_request_added_may_be_dropped() -> None:
    assert check_migration(migration(), (), schema_diff=REMOVED, created=frozenset({"table public.t"})) == ()
    view = SchemaDiff(removed=("materialized view public.m", "foreign table public.f"))
    assert len(check_migration(migration(), (), schema_diff=view)) == 2
    assert check_migration(migration(), (), schema_diff=view, created=frozenset(view.removed)) == ()


def test_what_goes_through_cascade_is_named() -> None:
    diff = SchemaDiff(removed=("table public.t", "view public.report"))
    seen = replace(QUIET, kind="DROP TABLE", locks=LockEvidence())
    found = check_migration(migration("drop table t cascade;"), (seen,), schema_diff=diff)
    assert [item.message.split(":")[0] for item in found if item.rule == "dropped-by-cascade"] == [
        "The migration drops view `public.report`, through CASCADE, a DO block or a function"
    ]


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("integer not null", "text not null", True),
        ("character varying(9)", "character varying(20)", False),
        ("integer", "integer not null", False),
        ("character varying(20)", "text", False),
        ("numeric(9,2)", "numeric(9,3)", True),
    ],
)
def test_only_a_type_that_does_not_widen_breaks_clients(before: str, after: str, told: bool) -> None:
    diff = SchemaDiff(changed=(ObjectChange(name="column public.t.a", before=before, after=after),))
    assert bool(check_migration(migration(), (), schema_diff=diff)) is told


def suspect(
    rule: str = "squawk-adding-not-nullable-field", hazard: Hazard = Hazard.FULL_SCAN, line: int = 1
) -> Finding:
    return Finding(
        rule=rule,
        hazard=hazard,
        severity=Severity.ERROR,
        message="may scan.",
        verdict=Verdict.SUSPECTED,
        place=Place(file="m/a.up.sql", line=line),
    )


def test_a_suspicion_is_confirmed_by_what_was_seen_and_refuted_when_nothing_was() -> None:
    (confirmed,) = settle([suspect()], {("m/a.up.sql", 1): SCAN})
    (refuted,) = settle([suspect()], {("m/a.up.sql", 1): QUIET}, server="PostgreSQL 17")
    assert (confirmed.verdict, refuted.verdict) == (Verdict.CONFIRMED, Verdict.REFUTED)
    assert refuted.message.endswith("PostgreSQL 17 ran it without a scan of an existing table under a blocking lock.)")


UNDECIDED = [
    {},
    {("m/a.up.sql", 9): replace(QUIET, line=9, end_line=9)},
    {("m/a.up.sql", 1): replace(QUIET, error="23502 x")},
    {("m/a.up.sql", 1): replace(QUIET, locks=LockEvidence())},
]


@pytest.mark.parametrize("seen", UNDECIDED)
def test_without_evidence_a_suspicion_stands(seen: dict[tuple[str, int], StatementEvidence]) -> None:
    assert settle([suspect()], seen) == (suspect(),)


def test_locks_do_not_answer_what_breaks_clients() -> None:
    item = suspect("squawk-changing-column-type", Hazard.BREAKS_CLIENTS)
    assert settle([item], {("m/a.up.sql", 1): QUIET}) == (item,)


def test_what_is_confirmed_is_not_said_twice() -> None:
    found = settle([suspect(), *check_migration(migration(), (SCAN,))], {("m/a.up.sql", 1): SCAN})
    assert [item.rule for item in found if item.hazard is Hazard.FULL_SCAN] == ["scan-under-lock"]


def test_statements_on_one_line_do_not_refute_for_each_other() -> None:
    seen = by_place([("m/a.up.sql", SCAN), ("m/a.up.sql", QUIET)])
    assert settle([suspect()], seen)[0].verdict is Verdict.CONFIRMED


def test_what_the_server_ran_was_looked_at() -> None:
    unread = suspect("dynamic-sql", Hazard.UNANALYSABLE)
    (ran,) = settle([unread], {("m/a.up.sql", 1): QUIET})
    assert ran.verdict is Verdict.REFUTED and "ran it" in ran.message
    assert settle([unread], {("m/a.up.sql", 1): replace(QUIET, error="42601 x")}) == ()
    assert settle([unread], {}) == (unread,)


def test_a_mixed_transaction_is_told_once_with_its_locks() -> None:
    on_paper = replace(suspect("schema-and-data-mixed", Hazard.BACKFILL), verdict=Verdict.FACT)
    seen = replace(suspect("backfill-under-lock", Hazard.BACKFILL), verdict=Verdict.FACT)
    assert settle([on_paper, seen], {("m/a.up.sql", 1): QUIET}) == (seen,)
    assert settle([on_paper], {("m/a.up.sql", 1): QUIET}) == (on_paper,)


def removal(rule: str = "squawk-ban-drop-view", line: int = 1) -> Finding:
    return replace(suspect(rule, Hazard.BREAKS_CLIENTS, line), migration="a")


def test_a_removal_that_the_catalog_does_not_see_is_refuted_once_the_migration_ran() -> None:
    assert settle([removal()], {}) == (removal(),)
    (refuted,) = settle([removal()], {}, applied={"a"}, server="PostgreSQL 17")
    assert refuted.verdict is Verdict.REFUTED and "PostgreSQL 17's catalog has every object" in refuted.message


def test_a_removal_gives_way_to_what_the_catalog_says_of_the_migration() -> None:
    gone = replace(removal("object-dropped", line=9), verdict=Verdict.FACT)
    assert settle([removal(), gone], {}, applied={"a"}) == (gone,)


def test_squawk_is_silent_of_a_statement_that_a_fact_of_the_same_matter_is_about() -> None:
    seen = {("m/a.up.sql", 1): replace(SCAN, line=1, end_line=5)}
    fact = replace(suspect("reads-wait", Hazard.BLOCKS_READS), verdict=Verdict.FACT)
    inside = suspect(line=4)
    other = suspect("squawk-ban-revoke", Hazard.PRIVILEGE, line=4)
    assert [item.rule for item in settle([inside, other, fact], seen)] == ["squawk-ban-revoke", "reads-wait"]


def test_a_transaction_that_the_server_took_is_no_suspicion_any_more() -> None:
    item = suspect("squawk-transaction-nesting", Hazard.TRANSACTION)
    assert settle([item], {("m/a.up.sql", 1): QUIET})[0].verdict is Verdict.REFUTED


def fan_out(count: int) -> StatementEvidence:
    parts = tuple(f"public.t_{number}" for number in range(count))
    locks = (
        Lock(relation="public.t", mode=LockMode.SHARE, preexisting=True),
        *(Lock(relation=name, mode=LockMode.SHARE, preexisting=True, kind="partition") for name in parts),
    )
    built = tuple(f"{name}_idx" for name in parts)
    effects = StatementEffects(scans=parts, index_builds=built, preexisting=parts, wal_bytes=0)
    return replace(SCAN, kind="CREATE INDEX", locks=LockEvidence(taken=locks), effects=effects)


def test_an_index_on_a_partitioned_table_is_advised_as_postgresql_allows_it() -> None:
    built = fan_out(3)
    (found,) = (
        item for item in check_migration(migration("create index i on t (a);"), (built,)) if item.severity == "error"
    )
    assert found.rule == "index-not-concurrent"
    for told in (
        "`create index i on only t (a);`",
        "`create index concurrently t_0_i on public.t_0 (a);`",
        "all 3 partitions",
        "`alter index i attach partition t_0_i;`",
    ):
        assert told in str(found.help)
    assert found.message.count("builds index") == 1 and "on `public.t_0`, `public.t_1`, `public.t_2`." in found.message
    suspected = replace(found, verdict=Verdict.SUSPECTED, help="create index concurrently")
    (settled,) = settle([suspected], by_place([("m/a.up.sql", built)]), outside="in a file with `-- no-transaction`")
    assert settled.verdict is Verdict.CONFIRMED and "on only" in str(settled.help)
    assert "then, in a file with `-- no-transaction`, `create index concurrently" in str(settled.help)
    told = replace(migration("create index i on t (a);"), how_to_disable_transaction="by hand")
    assert "then, by hand, `create index" in str(
        next(item.help for item in check_migration(told, (built,)) if item.severity == "error")
    )


def test_two_modes_of_one_statement_under_which_later_work_runs_are_told_once() -> None:
    locks = (
        Lock(relation="public.t", mode=LockMode.ACCESS_EXCLUSIVE, preexisting=True),
        Lock(relation="public.u", mode=LockMode.SHARE_ROW_EXCLUSIVE, preexisting=True),
    )
    first = replace(QUIET, locks=LockEvidence(taken=locks))
    scan = StatementEffects(scans=("public.v",), preexisting=("public.v",), wal_bytes=0)
    later = replace(SCAN, line=2, end_line=2, effects=scan, locks=LockEvidence(held=locks))
    found = [
        item
        for item in check_migration(migration(f"{TEXT}\n{TEXT}"), (first, later))
        if item.rule == "lock-held-during-work"
    ]
    assert [item.hazard for item in found] == [Hazard.BLOCKS_READS]
    assert "reads and writes of `public.t`, and writes to `public.u` until COMMIT" in found[0].message


def test_quick_statements_above_one_slow_one_are_one_finding_that_names_their_lines() -> None:
    def lock(relation: str) -> LockEvidence:
        return LockEvidence(taken=(Lock(relation=relation, mode=LockMode.ACCESS_EXCLUSIVE, preexisting=True),))

    quick = tuple(
        replace(QUIET, line=at, end_line=at, locks=lock(f"public.{name}")) for at, name in enumerate("abc", 1)
    )
    slow = replace(SCAN, line=4, end_line=4)
    after = replace(QUIET, line=5, end_line=5, locks=lock("public.d"))
    found = check_migration(migration("\n".join([TEXT] * 5)), (*quick, slow, after))
    (early,) = (item for item in found if item.rule == "lock-held-during-work")
    assert early.place.line == 1
    assert "The transaction blocks reads and writes of `public.a`, `public.b`, `public.c` until COMMIT" in early.message
    assert "(AccessExclusiveLock from lines 1, 2, 3), while line 4 scans `public.t`." in early.message
    (own,) = (item for item in found if item.rule == "lock-blocks-reads")
    (brief,) = (item for item in found if item.rule == "brief-lock")
    assert (own.place.line, brief.place.line) == (4, 5)


def test_the_timeout_that_is_advised_has_effect_where_the_statement_runs() -> None:
    hasty = replace(QUIET, timeouts=Timeouts(lock_ms=0))
    for mode, advice in (
        (Mode.TRANSACTION, "Write `set local lock_timeout"),
        (Mode.AUTOCOMMIT, "Write `set lock_timeout"),
    ):
        (found,) = (
            item for item in check_migration(migration(), (hasty,), mode=mode) if item.rule == "lock-timeout-missing"
        )
        assert str(found.help).startswith(advice)


def test_keys_of_one_table_without_an_index_are_one_note_where_the_first_is_made() -> None:
    text = (
        "alter table t add column a int references p;\n"
        "alter table t add constraint t_b foreign key (b, c) references q;\n"
        "alter table u add foreign key (t) references t;\n"
    )
    keys = [
        ForeignKey(table="public.t", name="t_a_fkey", columns=("a",), referenced="public.p"),
        ForeignKey(table="public.t", name="t_b", columns=("b", "c"), referenced="public.q"),
        ForeignKey(table="public.t", name="t_d_fkey", columns=("d",), referenced="public.p"),
    ]
    seen = tuple(replace(QUIET, line=at, end_line=at) for at in (1, 2, 3))
    (found,) = (item for item in check_migration(migration(text), seen, unindexed=tuple(keys)) if "index" in item.rule)
    assert found.place.line == 1
    assert found.message == (
        "No index of `public.t` starts with `(a)` or `(b, c)`: every delete or key change in `public.p`, `public.q` "
        "scans `public.t`."
    )
    assert found.help == (
        "Write `create index concurrently on public.t (a);` `create index concurrently on public.t (b, c);`"
    )
    assert not [item for item in check_migration(migration(text), seen, unindexed=(keys[2],)) if "index" in item.rule]
    # a key of the same columns in a table that only refers to it is another one
    other = ForeignKey(table="public.t", name="t_t_fkey", columns=("t",), referenced="public.p")
    assert not [item for item in check_migration(migration(text), seen, unindexed=(other,)) if "index" in item.rule]


@pytest.mark.parametrize(
    ("text", "kind", "advice"),
    [
        ("reindex table s.t;", "REINDEX", "`reindex table concurrently s.t;`"),
        ("reindex index t_i;", "REINDEX", "`reindex index concurrently t_i;`"),
        ("reindex schema s;", "REINDEX", "`reindex schema concurrently s;`"),
        (
            "alter table s.t add constraint c check (a > 0) not valid;",
            "ALTER TABLE",
            "`alter table s.t validate constraint c;`",
        ),
    ],
)
def test_what_to_write_instead_has_the_names_of_the_statement(text: str, kind: str, advice: str) -> None:
    helps = [str(item.help) for item in check_migration(migration(text), (replace(SCAN, kind=kind),))]
    assert any(advice in told for told in helps)


def test_a_thousand_partitions_are_counted_not_listed() -> None:
    found = check_migration(migration("create index i on t (a);"), (fan_out(1000),))
    assert max(len(item.message) for item in found) < 1000
