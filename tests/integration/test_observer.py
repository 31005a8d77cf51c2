"""The observer on a session of its own: what it sees, and that it leaves no trace."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from kfm_ci.assess.migration import check_migration
from kfm_ci.evidence import object_identity, rollback, schema_diff
from kfm_ci.evidence.observation import session_snapshot
from kfm_ci.evidence.observation.observer import Observer
from kfm_ci.evidence.statement_evidence import LockMode, StatementEvidence
from kfm_ci.migrations.model import Migration
from kfm_ci.model import Digest, Finding, Mode, Severity
from kfm_ci.postgres import catalog
from kfm_ci.postgres.engines.base import Server
from kfm_ci.sql import statements
from kfm_ci.sql.script import Script, SourceFile

BASE = """
create table widgets (id bigint primary key, name text, n int);
insert into widgets select g, 'w' || g, g from generate_series(1, 100) g;
create table parts (id bigint primary key, widget_id bigint);
create index parts_widget_idx on parts (widget_id);
create table events (at int) partition by range (at);
create table events_1 partition of events for values from (1) to (9);
"""


class Bench:
    """An observed session and an administrator's beside it."""

    def __init__(self, observed: str, beside: str) -> None:
        self.observed = psycopg.connect(observed, autocommit=True)
        self.beside = psycopg.connect(beside, autocommit=True)
        self.observed.execute(BASE)
        self.observer = Observer(self.beside, session_snapshot.existing(self.observed))

    def run(self, text: str, *, transaction: bool = True) -> tuple[StatementEvidence, ...]:
        """Run a file as the runner does; return its evidence."""
        self.observer.reset()
        if transaction:
            self.observed.execute("begin")
        for statement in statements.split(text):
            self.observer.before(self.observed, statement)
            error: Exception | None = None
            try:
                self.observed.execute(statement.text.encode())
            except psycopg.Error as failure:
                error = failure
            self.observer.after(self.observed, statement, duration_ms=1.0, rows=None, error=error)
        if transaction:
            self.observed.execute("commit")
        return self.observer.evidence

    def close(self) -> None:
        self.observer.close()
        self.observed.close()
        self.beside.close()


@pytest.fixture
def bench(database: str, server: Server) -> Iterator[Bench]:
    """Watch a plain owner's session."""
    made = Bench(server.dsn(conninfo_to_dict(database)["dbname"]), database)
    yield made
    made.close()


@pytest.fixture(params=["owner", "superuser"])
def either(request: pytest.FixtureRequest, database: str, server: Server) -> Iterator[Bench]:
    """Watch a plain owner's session, and a superuser's."""
    made = Bench(server.dsn(conninfo_to_dict(database)["dbname"], admin=request.param == "superuser"), database)
    yield made
    made.close()


def modes(seen: StatementEvidence) -> dict[str, LockMode]:
    return {lock.relation: lock.mode for lock in seen.locks.taken}


DETACHES = 140_000
"""First server version that detaches a partition concurrently."""
CONCURRENT = [
    ("create index concurrently widgets_n_idx on widgets (n)", "public.widgets"),
    ("drop index concurrently parts_widget_idx", "public.parts"),
    ("reindex index concurrently parts_widget_idx", "public.parts"),
    ("reindex table concurrently parts", "public.parts"),
    ("alter table events detach partition events_1 concurrently", "public.events"),
]


@pytest.mark.parametrize(("text", "table"), CONCURRENT)
def test_a_concurrent_statement_is_held_up_until_its_locks_are_seen(bench: Bench, text: str, table: str) -> None:
    if "detach" in text and bench.observed.info.server_version < DETACHES:
        pytest.skip("this server cannot detach a partition concurrently")
    (seen,) = bench.run(text, transaction=False)
    assert seen.error is None
    assert modes(seen)[table] is LockMode.SHARE_UPDATE_EXCLUSIVE


@pytest.mark.parametrize(
    "text",
    ["vacuum", "create index concurrently widgets_n_idx on widgets (nothing)", *(text for text, _ in CONCURRENT[:1])],
)
def test_who_held_a_statement_up_is_in_no_transaction_after_it(bench: Bench, text: str) -> None:
    bench.run(text, transaction=False)
    states = bench.beside.execute(
        "select state from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() "
        "and state is not null"
    ).fetchall()
    assert len(states) == 2 and set(states) == {("idle",)}


def test_a_partition_that_is_detached_concurrently_is_locked_against_readers_at_the_end(bench: Bench) -> None:
    if bench.observed.info.server_version < DETACHES:
        pytest.skip("this server cannot detach a partition concurrently")
    (seen,) = bench.run("alter table events detach partition events_1 concurrently", transaction=False)
    assert modes(seen)["public.events_1"] is LockMode.ACCESS_EXCLUSIVE


def test_each_table_of_a_statement_outside_a_transaction_is_seen(bench: Bench) -> None:
    text = "alter table parts add constraint k foreign key (widget_id) references widgets (id)"
    (seen,) = bench.run(text, transaction=False)
    assert modes(seen)["public.parts"] is modes(seen)["public.widgets"] is LockMode.SHARE_ROW_EXCLUSIVE


AUTOCOMMITTED = [
    ("create index widgets_n_idx on widgets (n)", LockMode.SHARE),
    ("alter table widgets add colour text", LockMode.ACCESS_EXCLUSIVE),
    ("vacuum full widgets", LockMode.ACCESS_EXCLUSIVE),
]


@pytest.mark.parametrize(("text", "mode"), AUTOCOMMITTED)
def test_a_blocking_statement_outside_a_transaction_is_seen_while_it_waits(
    bench: Bench, text: str, mode: LockMode
) -> None:
    (seen,) = bench.run(text, transaction=False)
    assert (seen.error, modes(seen)["public.widgets"]) == (None, mode)


def test_what_is_dropped_outside_a_transaction_is_looked_for_where_it_is(bench: Bench) -> None:
    bench.run("create trigger t after insert on widgets execute function suppress_redundant_updates_trigger()")
    (seen,) = bench.run("drop trigger t on public.widgets", transaction=False)
    assert (seen.error, modes(seen)["public.widgets"]) == (None, LockMode.ACCESS_EXCLUSIVE)
    (seen,) = bench.run("drop table other.public.widgets", transaction=False)
    assert seen.error is not None and "cross-database" in seen.error


def test_scans_and_rewrites_outside_a_transaction_are_counted(bench: Bench) -> None:
    scanned, rewritten = bench.run(
        "alter table widgets alter n set not null; alter table widgets alter n type bigint", transaction=False
    )
    assert (scanned.effects.scans, scanned.effects.rewrites) == (("public.widgets",), ())
    assert rewritten.effects.rewrites == ("public.widgets",)
    assert scanned.effects.preexisting == ("public.widgets",)


def test_an_index_that_a_concurrent_build_leaves_invalid_is_named(bench: Bench) -> None:
    (seen,) = bench.run("create unique index concurrently broken on widgets ((id / 1000))", transaction=False)
    assert seen.error is not None
    assert seen.error.startswith("23505")
    assert seen.effects.invalid_indexes == ("public.broken",)


def test_what_a_statement_outside_a_transaction_read_is_not_laid_to_the_next_transaction(bench: Bench) -> None:
    bench.run("alter table widgets add a int")
    (built,) = bench.run("create index concurrently widgets_n_idx on widgets (n)", transaction=False)
    (added,) = bench.run("alter table widgets add b int")
    assert built.effects.scans == ("public.widgets",)
    assert added.effects.scans == ()


def test_a_lock_already_held_is_not_new_but_held(bench: Bench) -> None:
    first, second = bench.run("alter table widgets add a int; update widgets set a = 1")
    assert modes(first)["public.widgets"] is LockMode.ACCESS_EXCLUSIVE
    assert "public.widgets" not in modes(second)
    assert [lock.mode for lock in second.locks.held if lock.relation == "public.widgets"] == [LockMode.ACCESS_EXCLUSIVE]
    assert second.effects.changes == (("public.widgets", 100),)


def test_what_the_pull_request_made_is_not_preexisting_in_its_later_files(bench: Bench) -> None:
    bench.run("create table fresh (id int)")
    (seen,) = bench.run("alter table fresh add name text")
    assert [(lock.relation, lock.preexisting) for lock in seen.locks.taken] == [("public.fresh", False)]


def test_a_block_is_seen_through_as_executed(bench: Bench) -> None:
    (seen,) = bench.run("do $$ begin execute 'alter table widgets alter n type bigint'; end $$")
    assert seen.effects.rewrites == ("public.widgets",)
    assert modes(seen)["public.widgets"] is LockMode.ACCESS_EXCLUSIVE


def test_what_the_author_says_is_no_evidence(bench: Bench) -> None:
    (seen,) = bench.run("do $$ begin raise debug 'existing constraints are sufficient to prove it'; end $$")
    assert (seen.proofs, seen.notices) == ((), ())


def test_functions_and_operators_of_the_same_names_are_not_called(bench: Bench) -> None:
    (*_, seen) = bench.run(
        "create schema evil; create function evil.current_setting(text) returns text language sql as 'select ''9h''';"
        "set local search_path = evil, pg_catalog; lock table public.widgets"
    )
    assert seen.timeouts.lock_ms == 0
    assert modes(seen)["public.widgets"] is LockMode.ACCESS_EXCLUSIVE


def test_the_timeouts_in_effect_are_those_of_the_moment(bench: Bench) -> None:
    seen = bench.run("set local lock_timeout = '2s'; lock table parts; set local lock_timeout = 0; lock table widgets")
    assert [item.timeouts.lock_ms for item in seen if item.kind == "LOCK"] == [2000, 0]


@pytest.mark.parametrize("transaction", [True, False])
def test_the_sessions_own_settings_are_left_alone(either: Bench, transaction: bool) -> None:
    either.observed.execute("set client_min_messages = error")
    either.run(
        "alter table widgets add a int; set client_min_messages = warning; comment on table parts is 'x'",
        transaction=transaction,
    )
    assert either.observed.execute("show client_min_messages").fetchone() == ("warning",)


def test_a_statement_that_must_come_first_in_its_transaction_still_does(bench: Bench) -> None:
    seen = bench.run("begin; set transaction isolation level serializable; lock table parts; commit", transaction=False)
    assert [item.error for item in seen] == [None] * 4


def test_a_failed_statement_keeps_its_error_and_later_evidence_is_right(bench: Bench) -> None:
    (failed,) = bench.run("alter table widgets add constraint c check (n > 50)")
    assert failed.error is not None
    assert failed.error.startswith("23514")
    (seen,) = bench.run("alter table widgets add constraint c check (n > 0) not valid")
    assert (seen.effects.scans, seen.effects.rewrites) == ((), ())


def test_a_rewrite_that_was_rolled_back_is_not_seen_again(bench: Bench) -> None:
    seen = bench.run(
        "savepoint s; alter table widgets alter n type bigint; rollback to s; alter table widgets add later int"
    )
    assert [item.effects.rewrites for item in seen if item.kind == "ALTER TABLE"] == [("public.widgets",), ()]


def test_deallocating_everything_does_not_break_the_observer(either: Bench) -> None:
    seen = either.run("; ".join(["lock table parts; deallocate all; discard plans"] * 6))
    assert all(item.error is None for item in seen)


def test_who_may_drop_whatever_the_observer_asks_by_breaks_nothing(either: Bench) -> None:
    drop = "do $$ begin execute 'drop function pg_catalog.kfm_locked()'; exception when others then null; end $$"
    seen = either.run(f"lock table parts; {drop}; lock table widgets")
    assert [item.error for item in seen] == [None] * 3
    assert modes(seen[2])["public.widgets"] is LockMode.ACCESS_EXCLUSIVE


def test_the_same_is_seen_with_a_plan_kept_and_without(database: str, server: Server) -> None:
    text = """
      alter table widgets alter n type bigint; create index on parts (id); update widgets set name = 'x' where id = 1;
      create schema "S "; set local search_path = "S "; create table "t ""x" (a int); drop table public.parts"""
    seen = []
    for admin in (True, False):
        made = Bench(server.dsn(conninfo_to_dict(database)["dbname"], admin=admin), database)
        seen.append([replace(item, effects=replace(item.effects, wal_bytes=0), notices=()) for item in made.run(text)])
        made.observed.execute('drop table events, widgets; drop schema "S " cascade')
        made.close()
    assert seen[0] == seen[1]
    assert {name for item in seen[0] for name in modes(item)} >= {"public.widgets", "public.parts"}


def test_what_the_observer_asks_by_shows_in_no_comparison(bench: Bench) -> None:
    before = catalog.read(bench.observed)
    bench.run("lock table parts")
    assert catalog.read(bench.observed) == before
    assert bench.observed.execute("select to_regproc('kfm_locked')::oid >= 16384").fetchone() == (True,)


def test_a_statement_is_never_held_up_for_long(bench: Bench) -> None:
    started = time.monotonic()
    bench.run("analyze widgets; select 1; create table other (id int)", transaction=False)
    assert time.monotonic() - started < 3.0


def judged(bench: Bench, text: str, *, transaction: bool = True) -> tuple[Finding, ...]:
    """Run a file and return what is wrong with it."""
    data = text.encode()
    file = SourceFile(path="up.sql", data=data, text=text, sha256=Digest.of(data))
    migration = Migration(id="m", version="1", sort_key=(1,), name="m", up=Script(file=file, text=text))
    before = rollback.capture(bench.observed)
    evidence = bench.run(text, transaction=transaction)
    assert [item.error for item in evidence if item.error] == []
    after = rollback.capture(bench.observed)
    difference = schema_diff.diff(before.catalog, after.catalog)
    objects = object_identity.follow(before.catalog, before, after)
    mode = Mode.TRANSACTION if transaction else Mode.AUTOCOMMIT
    return check_migration(migration, evidence, schema_diff=difference, objects=objects, mode=mode)


TIMELY = "set local lock_timeout = '2s';\n"

HARMLESS = [
    "alter table widgets add colour text default 'red'",
    "create table fresh (id int primary key); create index on fresh (id); insert into fresh values (1);"
    "alter table fresh alter id type bigint; update fresh set id = 2; drop table fresh",
    "create table fresh (id int primary key, widget_id bigint references widgets);"
    "create index on fresh (widget_id); alter table fresh add foreign key (id) references parts",
    "insert into parts values (1, 1)",
    "alter table widgets add constraint positive check (n > 0) not valid",
    "create view names as select name from widgets",
    "comment on table widgets is 'x'",
    "select count(*) from widgets",
    "alter table widgets add a int; insert into parts values (3, 1)",
]


@pytest.mark.parametrize("text", HARMLESS)
def test_what_holds_nobody_up_is_not_refused(bench: Bench, text: str) -> None:
    assert [
        (item.rule, item.message) for item in judged(bench, TIMELY + text) if item.severity is not Severity.NOTE
    ] == []


HARMLESS_OUTSIDE = [
    "create index concurrently widgets_n_idx on widgets (n)",
    "drop index concurrently parts_widget_idx",
    (
        "set lock_timeout = '2s'; alter table widgets add constraint c check (n > 0) not valid; alter table "
        "widgets validate constraint c"
    ),
]


@pytest.mark.parametrize("text", HARMLESS_OUTSIDE)
def test_what_is_done_in_the_recommended_way_is_not_refused(bench: Bench, text: str) -> None:
    found = judged(bench, text, transaction=False)
    assert [(item.rule, item.message) for item in found if item.severity is not Severity.NOTE] == []


HARMFUL = [
    ("create index widgets_n_idx on widgets (n)", {"index-not-concurrent"}),
    ("alter table widgets add x uuid default gen_random_uuid()", {"lock-blocks-reads", "rewrite-under-lock"}),
    ("alter table widgets alter n type bigint", {"lock-blocks-reads", "rewrite-under-lock"}),
    ("alter table widgets alter n set not null", {"lock-blocks-reads", "scan-under-lock"}),
    ("alter table widgets add check (n > 0)", {"lock-blocks-reads", "scan-under-lock"}),
    ("alter table widgets add unique (n)", {"lock-blocks-reads"}),
    ("alter table parts add foreign key (widget_id) references widgets", {"lock-blocks-writes", "scan-under-lock"}),
    ("alter table widgets add x int;\nupdate widgets set x = 1", {"lock-held-during-work", "backfill-under-lock"}),
    (
        "alter table widgets add x int;\ncreate index on parts (id)",
        {"lock-held-during-work", "index-not-concurrent", "multiple-tables-locked"},
    ),
    (
        "alter table widgets add constraint c check (n > 0) not valid;\nalter table widgets validate constraint c",
        {"lock-held-during-work", "scan-under-lock"},
    ),
    (
        "do $$ begin execute 'alter table widgets alter n type bigint'; end $$",
        {"lock-blocks-reads", "rewrite-under-lock"},
    ),
    ("alter table widgets drop column name", {"column-dropped", "column-in-use-dropped"}),
    ("alter table widgets rename column name to title", {"column-renamed"}),
    ("alter table widgets rename to gadgets", {"table-renamed"}),
    ("drop table parts", {"table-dropped", "table-in-use-dropped"}),
    ("truncate parts", {"table-truncated"}),
]


@pytest.mark.parametrize(("text", "rules"), HARMFUL)
def test_what_holds_others_up_or_loses_something_is_said(bench: Bench, text: str, rules: set[str]) -> None:
    found = {item.rule for item in judged(bench, TIMELY + text) if item.severity is not Severity.NOTE}
    assert found - {"column-type-changed"} == rules


def test_a_blocking_lock_without_a_timeout_in_effect_is_a_warning(bench: Bench) -> None:
    (found,) = [item for item in judged(bench, "alter table widgets add x int") if item.severity is not Severity.NOTE]
    assert (found.rule, found.severity) == ("lock-timeout-missing", Severity.WARNING)


def test_an_index_built_outside_a_transaction_without_concurrently_is_refused(bench: Bench) -> None:
    text = "set lock_timeout = '2s';\ncreate index widgets_n_idx on widgets (n)"
    (found,) = [item for item in judged(bench, text, transaction=False) if item.severity is not Severity.NOTE]
    assert (found.rule, found.place.line) == ("index-not-concurrent", 2)
    assert found.help is not None
    assert "CREATE INDEX CONCURRENTLY widgets_n_idx ON widgets" in found.help


BLOCK = """do $$
begin
  perform set_config('lock_timeout', '2s', true);
  alter table widgets add column a int;
  update widgets set a = 1;
  execute 'alter table parts alter column widget_id type int';
  truncate parts;
end $$;
"""


def test_each_statement_inside_a_block_is_seen_with_its_line_locks_and_work(bench: Bench) -> None:
    (seen,) = bench.run(BLOCK)
    told = {item.line: item for item in seen.inner}
    assert [(line, item.kind) for line, item in told.items()] == [
        (3, "SELECT"),
        (4, "ALTER TABLE"),
        (5, "UPDATE"),
        (6, "ALTER TABLE"),
        (7, "TRUNCATE TABLE"),
    ]
    assert modes(told[4]) == {"public.widgets": LockMode.ACCESS_EXCLUSIVE}
    assert (told[5].effects.changes, modes(told[5])) == ((("public.widgets", 100),), {})
    assert (told[6].effects.rewrites, told[6].timeouts.lock_ms) == (("public.parts",), 2000)
    assert [lock.relation for lock in told[5].locks.held if lock.mode is LockMode.ACCESS_EXCLUSIVE] == [
        "public.widgets"
    ]
    assert told[7].effects.rewrites == ()
    assert seen.effects.rewrites == ("public.parts",)
    assert set(modes(seen)) >= {"public.widgets", "public.parts"}


@pytest.mark.parametrize("transaction", [True, False])
def test_a_function_is_seen_through_and_nothing_is_left_behind(bench: Bench, transaction: bool) -> None:
    bench.observed.execute(
        "create function grow() returns void language plpgsql as "
        "$$ begin\n alter table widgets alter column n type bigint; end $$"
    )
    traces = "select (select count(*) from pg_event_trigger), (select count(*) from pg_proc where oid >= 16384)"
    bench.run("lock table parts")
    before = bench.observed.execute(traces).fetchone()
    (seen,) = bench.run("select grow()", transaction=transaction)
    assert [(item.within, item.kind, item.effects.rewrites) for item in seen.inner] == [
        ("function grow(), line 2", "ALTER TABLE", ("public.widgets",))
    ]
    assert modes(seen)["public.widgets"] is LockMode.ACCESS_EXCLUSIVE
    assert bench.observed.execute(traces).fetchone() == before
    assert bench.observed.execute("show debug_print_parse").fetchone() == ("off",)


def test_work_that_a_block_undid_was_done_once(bench: Bench) -> None:
    (seen,) = bench.run(
        "do $$ begin\nbegin alter table widgets alter n type bigint; raise 'no'; exception when others then "
        "null; end;\nalter table widgets add a int; end $$"
    )
    assert [item.effects.rewrites for item in seen.inner] == [("public.widgets",), ()]
    assert modes(seen)["public.widgets"] is LockMode.ACCESS_EXCLUSIVE


def test_a_block_that_fails_leaves_nothing_behind(bench: Bench) -> None:
    (seen,) = bench.run("do $$ begin alter table widgets add a int; perform 1 / 0; end $$", transaction=False)
    assert (seen.error or "").startswith("22012")
    assert bench.observed.execute("select count(*) from pg_event_trigger").fetchone() == (0,)
    assert bench.observed.execute("show debug_print_parse").fetchone() == ("off",)


IN_BLOCKS = [
    ("truncate widgets", {"table-truncated"}),
    ("execute 'alter table widgets rename column name to title'", {"column-renamed"}),
    ("execute format('create index on %I (n)', 'widgets')", {"index-not-concurrent"}),
    ("alter table widgets alter n set not null", {"lock-blocks-reads", "scan-under-lock"}),
    ("alter table widgets add a int; update widgets set a = 1", {"lock-held-during-work", "backfill-under-lock"}),
]


@pytest.mark.parametrize(("text", "rules"), IN_BLOCKS)
def test_what_stands_in_a_block_is_judged_as_what_stands_in_a_file(bench: Bench, text: str, rules: set[str]) -> None:
    found = judged(bench, f"{TIMELY}do $$\nbegin\n{text};\nend $$;")
    assert {item.rule for item in found if item.severity is Severity.ERROR} == rules
    assert {item.place.line for item in found if item.severity is Severity.ERROR} == {4}


def test_a_timeout_set_inside_a_block_is_in_effect_there(bench: Bench) -> None:
    text = "do $$ begin perform set_config('lock_timeout', '2s', true); alter table widgets add a int; end $$"
    assert "lock-timeout-missing" not in {item.rule for item in judged(bench, text)}
