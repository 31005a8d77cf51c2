"""The rollback drill: a rollback is proven only when it was run and schema and rows are as before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from kfm_ci.evidence import runbook
from kfm_ci.evidence.rollback import DrillResult, DrillSubject, ScriptResult, State, capture, drill
from kfm_ci.migrations.model import Migration
from kfm_ci.model import Digest, Hazard, Proof, Severity, Strategy
from kfm_ci.sql.script import Script, SourceFile

BASE = """
create table widgets (id serial primary key, name text not null, size integer);
insert into widgets (name, size) select 'n' || i, i from generate_series(1, 10) i;
"""

RUNBOOK = "# Trigger\n# Steps\n```sql drill\n{}\n```\n# Verification\n# Owner\n"


def script(path: str, text: str) -> Script:
    data = text.encode()
    return Script(file=SourceFile(path=path, data=data, text=text, sha256=Digest.of(data)), text=text)


def migration(name: str, up: str, down: str | None) -> Migration:
    return Migration(
        id=name,
        version=name,
        sort_key=(name,),
        name=name,
        up=script(f"{name}.up.sql", up),
        down=None if down is None else script(f"{name}.down.sql", down),
    )


def with_down(name: str, up: str, down: str | None, strategy: Strategy = Strategy.DOWN) -> DrillSubject:
    return DrillSubject(migration=migration(name, up, down), strategy=strategy)


def dbname_of(dsn: str) -> str:
    return str(conninfo_to_dict(dsn)["dbname"])


def copy(source: str, name: str) -> str:
    """Make a database as a copy of another; return its conninfo."""
    with psycopg.connect(make_conninfo(source, dbname="postgres"), autocommit=True) as connection:
        connection.execute(f'drop database if exists "{name}" with (force)')
        connection.execute(f'create database "{name}" template "{dbname_of(source)}"')
    return make_conninfo(source, dbname=name)


@dataclass
class PlainRunner:
    """Sends files to the server as they are, each in one transaction."""

    database: str
    stand: str
    done: list[str] = field(default_factory=list)

    def up(self, migration: Migration) -> ScriptResult:
        assert isinstance(migration.up, Script)
        return self.send("up " + migration.id, migration.up.text)

    def down(self, migration: Migration) -> ScriptResult:
        assert migration.down is not None
        return self.send("down " + migration.id, migration.down.text)

    def compensate(self, migration: Migration) -> ScriptResult:
        return self.up(migration)

    def run(self, path: str, line: int, text: str) -> ScriptResult:
        return self.send(f"{path}:{line}", text)

    def keep(self) -> None:
        self.done.append("keep")
        self.stand = copy(self.database, dbname_of(self.database) + "_kept")

    def restore(self) -> None:
        self.done.append("restore")
        copy(self.stand, dbname_of(self.database))

    def send(self, what: str, text: str) -> ScriptResult:
        self.done.append(what)
        try:
            with psycopg.connect(self.database) as connection:
                connection.execute(text)
        except psycopg.Error as error:
            return ScriptResult(error=f"{error.sqlstate} {error.diag.message_primary}", line=1)
        return ScriptResult()


@dataclass
class Drilled:
    results: tuple[DrillResult, ...]
    runner: PlainRunner
    final: State

    def rules(self) -> list[list[str]]:
        return [[finding.rule for finding in result.findings] for result in self.results]

    def proofs(self) -> list[Proof]:
        return [result.evidence.proof for result in self.results]


def practise(database: str, subjects: Sequence[DrillSubject], *, base: str = BASE, **kwargs: Any) -> Drilled:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(base)
    runner = PlainRunner(database, stand=copy(database, dbname_of(database) + "_origin"))
    before: dict[str, State] = {}
    after: dict[str, State] = {}
    with psycopg.connect(database, autocommit=True) as connection:
        for subject in subjects:
            before[subject.id] = capture(connection)
            assert runner.up(subject.migration).error is None
            after[subject.id] = capture(connection)
    runner.done.clear()
    results = drill(
        subjects,
        before=before,
        after=after,
        connect=lambda: psycopg.connect(database, autocommit=True),
        runner=runner,
        **kwargs,
    )
    with psycopg.connect(database, autocommit=True) as connection:
        return Drilled(results, runner, capture(connection))


ADD_COLUMN = with_down("a", "alter table widgets add colour text", "alter table widgets drop colour")
ADD_TABLE = with_down("b", "create table parts (w integer references widgets)", "drop table parts")


ADD_TABLE_C = with_down("c", "create table more (w integer references widgets)", "drop table more")


def test_downs_that_restore_everything_are_proven_and_their_price_is_named(database: str) -> None:
    drilled = practise(database, [ADD_COLUMN, ADD_TABLE])
    assert drilled.rules() == [[], []]
    assert drilled.proofs() == [Proof.PROVEN, Proof.PROVEN]
    assert drilled.runner.done == ["down b", "down a", "up a", "up b"]
    assert all(result.applied and result.evidence.schema_restored for result in drilled.results)
    first, second = (result.evidence for result in drilled.results)
    assert first.price == ("rolling back loses public.widgets.colour for rows written since",)
    assert second.price == ("rolling back loses every row of public.parts",)
    assert [command.split()[-1] for command in first.commands] == ["a.down.sql"]
    assert [command.split()[-1] for command in second.commands] == ["b.down.sql"]


def test_an_object_left_behind_is_named_once_and_not_held_against_earlier_migrations(database: str) -> None:
    leaves = with_down(
        "b",
        "create table parts (a integer); create or replace function f() returns int language sql as 'select 1'",
        "drop table parts",
    )
    drilled = practise(database, [ADD_COLUMN, leaves])
    assert drilled.rules() == [[], ["rollback-schema-differs"]]
    assert drilled.proofs() == [Proof.PROVEN, Proof.FAILED]
    result = drilled.results[1]
    assert result.evidence.difference.added == ("function public.f()",)
    assert result.evidence.schema_restored is False
    assert result.findings[0].hazard is Hazard.ROLLBACK_UNPROVEN
    assert result.findings[0].severity is Severity.ERROR


@pytest.mark.parametrize(
    ("up", "down", "difference"),
    [
        ("alter table widgets alter name drop not null", "select 1", "column public.widgets.name"),
        ("grant select on widgets to public", "select 1", "privileges table public.widgets"),
        ("comment on table widgets is 'x'", "select 1", "comment table public.widgets"),
        (
            "drop sequence widgets_id_seq cascade",
            "create sequence widgets_id_seq as integer",
            "column public.widgets.id",
        ),
        (
            "alter table widgets add constraint c check (id > 0)",
            "alter table widgets drop constraint c, add constraint c check (id > 0) not valid",
            "constraint public.widgets.c",
        ),
    ],
)
def test_privileges_comments_defaults_and_validity_must_come_back_too(
    database: str, up: str, down: str, difference: str
) -> None:
    (result,) = practise(database, [with_down("a", up, down)]).results
    assert result.evidence.proof is Proof.FAILED
    shown = result.evidence.difference
    assert difference in (*shown.added, *shown.removed, *(change.name for change in shown.changed))


def test_a_down_that_fails_is_named_with_its_line_and_later_work_is_put_back(database: str) -> None:
    broken = with_down("b", "create table parts (a integer)", "drop table part")
    last = with_down("c", "create table more (a integer)", "drop table more")
    drilled = practise(database, [ADD_COLUMN, broken, last])
    assert drilled.rules() == [[], ["rollback-failed"], []]
    assert drilled.proofs() == [Proof.PROVEN, Proof.FAILED, Proof.PROVEN]
    finding = drilled.results[1].findings[0]
    assert (finding.place.file, finding.place.line) == ("b.down.sql", 1)
    assert '42P01 table "part" does not exist' in finding.message
    assert drilled.runner.done[2:] == ["up c", "restore", "up a", "down a", "up a"]
    assert all(result.applied for result in drilled.results)


def test_a_rollback_that_fails_on_leftovers_of_a_later_one_is_drilled_without_them(database: str) -> None:
    adds = with_down("a", "alter table widgets add n integer", "alter table widgets drop n")
    leaves = with_down("b", "create view v as select n from widgets", "select 1")
    drilled = practise(database, [adds, leaves])
    assert drilled.rules() == [[], ["rollback-schema-differs"]]
    assert drilled.results[0].evidence.proof is Proof.PROVEN


SERIAL = "create table old (id serial primary key, n integer); insert into old (n) values (1), (2);"
RENAME = with_down(
    "a",
    "alter table old rename to new; alter table new rename n to m",
    "alter table new rename m to n; alter table new rename to old",
)


@pytest.mark.parametrize(
    ("up", "down"),
    [
        ("alter table new alter id set default 7", "alter table new alter id drop default"),
        ("alter table new add constraint c check (m > 0)", "select 1"),
        ("update new set m = m + 1", "select 1"),
        ("alter table new drop m", "alter table new add m integer"),
    ],
)
def test_leftovers_of_a_later_rollback_are_not_reported_for_a_rename_that_changes_their_name(
    database: str, up: str, down: str
) -> None:
    drilled = practise(database, [RENAME, with_down("b", up, down)], base=SERIAL)
    assert drilled.rules()[0] == [] and drilled.rules()[1]
    assert drilled.proofs() == [Proof.PROVEN, Proof.FAILED]


def test_losses_of_a_rename_are_reported_next_to_leftovers_of_a_later_rollback(database: str) -> None:
    leaves = with_down("b", "alter table new alter id set default 7", "alter table new alter id drop default")
    loses = with_down("a", "alter table old rename to new", "alter table new rename to old; alter table old drop n")
    drilled = practise(database, [ADD_COLUMN, loses, leaves], base=BASE + SERIAL)
    assert drilled.rules() == [[], ["rollback-schema-differs"], ["rollback-schema-differs"]]
    message = drilled.results[1].findings[0].message
    assert "column public.old.n is not restored" in message and "public.old.id" not in message


def test_a_rollback_that_cannot_be_drilled_without_leftovers_of_a_later_one_keeps_its_finding(database: str) -> None:
    role = f"keeper_{dbname_of(database)}"
    leaves = with_down("b", "alter table new alter id set default 7", "alter table new alter id drop default")
    makes = with_down("r", f"create role {role}", f"drop role {role}")
    try:
        drilled = practise(database, [makes, RENAME, leaves], base=SERIAL)
    finally:
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute(f"drop role if exists {role}")
    assert drilled.rules() == [[], ["rollback-schema-differs"], ["rollback-schema-differs"]]


def test_migrations_before_a_failed_rollback_are_all_drilled_even_if_many_fail(database: str) -> None:
    """Values that differ in every run, failed rollbacks and leftovers are each reported for their own migration."""
    random = with_down(
        "r", "insert into widgets (name) select gen_random_uuid() from generate_series(1, 3)", "select 1"
    )
    leaves = with_down("l", "create type mood as enum ('ok')", "select 1")
    broken = with_down("b", "create table parts (a integer)", "drop table part")
    steps = [ADD_COLUMN, random, leaves, ADD_TABLE_C, with_down("d", "create table d (a int)", "drop table dd"), broken]
    drilled = practise(database, steps)
    assert drilled.rules() == [
        [],
        [],
        ["rollback-schema-differs"],
        [],
        ["rollback-failed"],
        ["rollback-failed"],
    ]
    assert [proof.value for proof in drilled.proofs()] == ["proven", "proven", "failed", "proven", "failed", "failed"]
    assert drilled.runner.done.count("keep") == 1
    assert drilled.runner.done.count("restore") == 2


def test_a_column_restored_without_its_values_is_an_error_with_the_number_of_rows(database: str) -> None:
    subject = with_down("a", "alter table widgets drop size", "alter table widgets add size integer")
    (result,) = practise(database, [subject]).results
    assert [finding.rule for finding in result.findings] == ["rollback-data-lost"]
    assert "public.widgets.size differs from before in 10 rows" in result.findings[0].message
    assert (result.evidence.schema_restored, result.evidence.data_restored) == (True, False)
    assert result.evidence.proof is Proof.FAILED


@pytest.mark.parametrize("up", ["update widgets set name = 'x' where id < 3", "delete from widgets where id < 3"])
def test_changed_existing_rows_are_an_error(database: str, up: str) -> None:
    (result,) = practise(database, [with_down("a", up, "select 1")]).results
    assert [finding.rule for finding in result.findings] == ["rollback-data-lost"]
    assert "2 rows" in result.findings[0].message


def test_lost_rows_are_reported_for_the_migration_that_lost_them_alone(database: str) -> None:
    loses = with_down("b", "alter table widgets drop size", "alter table widgets add size integer")
    assert practise(database, [ADD_COLUMN, loses]).rules() == [[], ["rollback-data-lost", "rollback-column-order"]]


def test_filled_nulls_and_rows_left_behind_are_a_price_and_no_error(database: str) -> None:
    fills = with_down("a", "update widgets set size = 1 where size is null", "select 1")
    writes = with_down("b", "insert into widgets (name) values ('new')", "select 1")
    base = BASE + "update widgets set size = null where id < 4;"
    drilled = practise(database, [fills, writes], base=base)
    assert drilled.rules() == [[], []]
    assert drilled.results[0].evidence.price == ("rolling back leaves public.widgets.size filled in 3 rows",)
    assert drilled.results[1].evidence.price == (
        "rolling back leaves 1 row in public.widgets that the migration wrote",
    )


ROLES = (
    BASE
    + """
    create table roles (name text, verbs jsonb);
    insert into roles values ('admin', '["read", "write", "list"]'), ('guest', '["read"]');
"""
)


def test_permissions_that_come_back_in_another_order_are_a_price(database: str) -> None:
    takes = "update roles set verbs = verbs - 'read'"
    back = """update roles set verbs = verbs || '["read"]'"""
    (result,) = practise(database, [with_down("a", takes, back)], base=ROLES).results
    assert not result.findings and result.evidence.proof is Proof.PROVEN
    assert result.evidence.price == (
        "rolling back leaves the elements of public.roles.verbs in another order in 1 row",
    )


def test_permissions_that_come_back_to_another_role_are_a_loss(database: str) -> None:
    takes = "update roles set verbs = verbs - 'read'"
    back = """update roles set verbs = case name when 'guest' then '[]' else verbs || '["read", "read"]' end"""
    assert practise(database, [with_down("a", takes, back)], base=ROLES).rules() == [["rollback-data-lost"]]


PREFERENCES = (
    BASE
    + """
    create table preferences (id integer, chosen jsonb);
    insert into preferences values (1, '{"theme": "dark", "tags": ["a", "b"], "deep": {"a b": {"x": {"y": 1}}}}'),
                                   (2, '{}'), (3, '[1, 2]'), (4, '"x"'), (5, null);
"""
)


@pytest.mark.parametrize(
    ("down", "loss"),
    [
        (
            "chosen = chosen - 'tags' || '{\"theme\": \"red\"}' where id = 1",
            "1 row ($.theme is changed; $.tags[*] is lost)",
        ),
        (
            (
                "chosen = case id when 1 then jsonb_set(chosen, '{deep,a b,x,y}', '2') else '[1, 3]' end where "
                "id in (1, 3)"
            ),
            '2 rows ($[*] is changed; $.deep."a b".x.y is changed)',
        ),
        (
            "chosen = (select jsonb_object_agg(repeat('k', 300) || n, n) from generate_series(1, 9) n) where id = 4",
            "1 row ($ is lost; $.{0}… is new; $.{0}… is new; and 7 more)".format("k" * 77),
        ),
    ],
)
def test_losses_inside_json_are_named_by_path_and_never_by_value(database: str, down: str, loss: str) -> None:
    drilled = practise(database, [with_down("a", "select 1", f"update preferences set {down}")], base=PREFERENCES)
    (finding,) = drilled.results[0].findings
    assert finding.message.endswith(f"public.preferences.chosen differs from before in {loss}.")


@pytest.mark.parametrize(
    ("up", "down", "text"),
    [
        ("drop table widgets", "select 1", "table public.widgets is not restored; all 10 rows of public.widgets are"),
        ("drop sequence widgets_id_seq cascade", "select 1", "sequence public.widgets_id_seq is not restored"),
    ],
)
def test_losses_with_an_object_that_is_not_restored_are_part_of_its_finding(
    database: str, up: str, down: str, text: str
) -> None:
    (result,) = practise(database, [with_down("a", up, down)]).results
    assert [item.rule for item in result.findings] == ["rollback-schema-differs"]
    assert text in result.findings[0].message and "is missing" not in result.findings[0].message
    assert result.evidence.data_restored is False


def test_a_sequence_is_reported_only_if_the_rows_of_its_table_are_not(database: str) -> None:
    again = "create table widgets (id serial primary key, name text not null, size integer)"
    lost = practise(database, [with_down("a", "drop table widgets", again)]).results[0].findings
    assert [(item.rule, "sequence" in item.message) for item in lost] == [("rollback-data-lost", False)]
    reset = with_down("a", "select 1", "alter sequence widgets_id_seq restart")
    (finding,) = practise(database, [reset], base="drop table if exists widgets;" + BASE).results[0].findings
    assert finding.message.endswith("sequence public.widgets_id_seq went backwards.")


def test_an_up_that_fails_again_on_leftovers_of_its_own_down_is_reported_once(database: str) -> None:
    subject = with_down(
        "a",
        "create table once (a integer); create sequence s",
        "drop table once; alter sequence s rename to r; "
        "create table s_holder (a integer); alter table s_holder rename to s",
    )
    (result,) = practise(database, [subject]).results
    assert [finding.rule for finding in result.findings] == ["rollback-schema-differs"]
    assert "It does not apply again: 42P07" in result.findings[0].message
    assert result.applied is False


def test_an_up_that_does_not_apply_again_fails_even_if_the_schema_is_restored(database: str) -> None:
    subject = with_down("a", "insert into widgets (id, name) values (99, 'x')", "select 1")
    (result,) = practise(database, [subject]).results
    assert [finding.rule for finding in result.findings] == ["reapply-differs"]
    assert "does not apply again: 23505" in result.findings[0].message


def test_an_up_that_gives_a_different_schema_the_second_time_fails(database: str) -> None:
    up = """do $$ begin
      if (select is_called from counter) then create table twice (a integer);
      else create table twice (b integer); end if;
      perform nextval('counter'); end $$"""
    (result,) = practise(
        database, [with_down("a", up, "drop table twice")], base=BASE + "create sequence counter"
    ).results
    assert [finding.rule for finding in result.findings] == ["reapply-differs"]
    assert "column public.twice.a is added" in result.findings[0].message
    assert result.evidence.proof is Proof.FAILED


@pytest.mark.parametrize(("native", "severity"), [(True, Severity.ERROR), (False, Severity.WARNING)])
@pytest.mark.parametrize("strategy", [Strategy.DOWN, Strategy.COMPENSATING, Strategy.MANUAL, Strategy.NONE])
def test_an_unwritten_rollback_is_missing_and_not_proven(
    database: str, strategy: Strategy, native: bool, severity: Severity
) -> None:
    subject = with_down("a", "create table t (a integer)", None, strategy)
    (result,) = practise(database, [subject], native_format=native).results
    assert [(f.rule, f.hazard, f.severity) for f in result.findings] == [
        ("rollback-missing", Hazard.ROLLBACK_MISSING, severity)
    ]
    assert result.evidence.proof is Proof.NOT_RUN
    assert result.applied


def test_a_declared_irreversible_step_passes_with_its_price_shown(database: str) -> None:
    subject = DrillSubject(
        migration=migration("a", "alter table widgets drop size", "alter table widgets add size integer"),
        strategy=Strategy.MANUAL,
        runbook=runbook.parse("docs/a.md", RUNBOOK.format("").replace("sql drill", "sql")),
    )
    (result,) = practise(database, [subject]).results
    assert result.findings == ()
    assert result.evidence.price == ("public.widgets.size differs from before in 10 rows",)
    assert result.evidence.proof is Proof.NOT_RUN


def test_the_drill_blocks_of_a_runbook_are_run_and_can_prove_it(database: str) -> None:
    up = "create table t (a integer)"
    good, bad = (
        DrillSubject(
            migration=migration("a", up, None),
            strategy=Strategy.MANUAL,
            runbook=runbook.parse("docs/a.md", RUNBOOK.format(text)),
        )
        for text in ("drop table t;", "drop table u;")
    )
    drilled = practise(database, [good])
    assert (drilled.proofs(), drilled.rules()) == ([Proof.PROVEN], [[]])
    assert drilled.runner.done == ["docs/a.md:4", "up a"]
    failing = practise(database, [bad], base="drop table t")
    assert (failing.proofs(), failing.rules()) == ([Proof.FAILED], [["rollback-failed"]])
    assert failing.results[0].findings[0].place.file == "docs/a.md"


def test_a_runbook_without_its_sections_is_missing_them() -> None:
    parsed = runbook.parse("r.md", "## 1. Trigger\n```\n# Owner\n```\n### Verification and steps\n")
    assert parsed.missing == ("owner",)


def test_a_compensation_must_restore_the_schema_but_for_named_exceptions(database: str) -> None:
    subject, excepted = (
        DrillSubject(
            migration=migration("a", "create table t (a integer); create sequence s", None),
            strategy=Strategy.COMPENSATING,
            compensation=migration("z", "drop table t", None),
            exceptions=exceptions,
        )
        for exceptions in ((), ("sequence public.s",))
    )
    drilled = practise(database, [subject])
    assert drilled.rules()[0][0] == "rollback-schema-differs"
    assert drilled.runner.done[0] == "up z"
    again = practise(database, [excepted], base="drop sequence if exists s")
    assert "rollback-schema-differs" not in again.rules()[0]


def test_commands_of_hostile_file_names_stay_one_argument_on_one_line(database: str) -> None:
    subject = DrillSubject(
        migration=Migration(
            id="a",
            version="a",
            sort_key=("a",),
            name="a",
            up=script("a.sql", "create table t (a integer)"),
            down=script("x'; rm -rf ~\n#.sql", "drop table t"),
        ),
        strategy=Strategy.DOWN,
    )
    (command,) = practise(database, [subject]).results[0].evidence.commands
    assert "\n" not in command
    assert command.endswith("--file 'x'\"'\"'; rm -rf ~\N{REPLACEMENT CHARACTER}#.sql'")


def test_rows_left_behind_by_a_later_migration_do_not_hide_what_an_earlier_one_loses(database: str) -> None:
    loses = with_down("a", "alter table widgets drop size", "alter table widgets add size integer")
    writes = with_down("b", "insert into widgets (name) values ('new')", "select 1")
    drilled = practise(database, [loses, writes])
    assert drilled.rules() == [["rollback-data-lost"], []]
    assert "public.widgets.size differs from before in 10 rows" in drilled.results[0].findings[0].message


@pytest.mark.parametrize(
    ("up", "down"),
    [
        ("alter table widgets rename size to length", "alter table widgets rename length to size"),
        ("alter table widgets rename to gadgets", "alter table gadgets rename to widgets"),
        ("create schema s; alter table widgets set schema s", "alter table s.widgets set schema public; drop schema s"),
    ],
)
def test_renamed_objects_are_not_listed_as_data_loss(database: str, up: str, down: str) -> None:
    (result,) = practise(database, [with_down("a", up, down)]).results
    assert (result.evidence.proof, result.evidence.price) == (Proof.PROVEN, ())


def test_a_column_that_replaces_another_one_is_listed_as_data_loss(database: str) -> None:
    up = "alter table widgets drop size, add length integer"
    (result,) = practise(database, [with_down("a", up, "alter table widgets drop length, add size integer")]).results
    assert "rolling back loses public.widgets.length for rows written since" in result.evidence.price


def test_a_finding_points_to_the_statement_to_fix(database: str) -> None:
    up = (
        "alter table widgets add colour text;\nalter table widgets alter size set default 3;\n"
        "create table parts (a int);"
    )
    down = "drop table parts;\nalter table widgets alter size set default 2;\nalter table widgets drop colour;"
    (result,) = practise(database, [with_down("a", up, down)]).results
    (finding,) = result.findings
    assert (finding.rule, finding.place.file, finding.place.line) == ("rollback-schema-differs", "a.down.sql", 2)
    loses = with_down("b", "alter table widgets drop size;", "select 1;\nalter table widgets add size integer;")
    (result,) = practise(database, [loses], base="alter table widgets alter size drop default").results
    assert [(item.rule, item.place.line) for item in result.findings][0] == ("rollback-data-lost", 2)


def test_among_statements_on_one_object_the_one_with_the_differing_words_is_found(database: str) -> None:
    up = "alter table widgets alter id drop default; alter table widgets alter id set default 7"
    down = (
        "alter table widgets alter id set default 3;\nalter table widgets alter id drop default;\n"
        "alter table widgets add constraint known check (id > 0);\nalter table widgets drop constraint known;\n"
        "comment on column widgets.id is null;"
    )
    (finding,) = practise(database, [with_down("a", up, down)]).results[0].findings
    assert (finding.rule, finding.place.line) == ("rollback-schema-differs", 2)


@pytest.mark.parametrize(
    ("up", "down"),
    [
        (
            "alter table widgets add mood integer; create type mood as enum ('ok');"
            "create function f(a int, b text[]) returns int language sql as 'select 1';"
            "create trigger t before update on widgets for each row execute function "
            "suppress_redundant_updates_trigger()",
            "alter table widgets drop mood",
        ),
        (
            'create table "odd name" (a int); create view v as select 1 as n; alter table widgets add unique (name)',
            "drop view v",
        ),
        (
            "alter table widgets alter name drop not null, alter name type varchar(80), alter size set default 3",
            "alter table widgets alter size set default 4",
        ),
        (
            "alter table widgets alter size type bigint, alter at type timestamptz, alter at drop default",
            "alter table widgets alter at set default now()",
        ),
        ("drop index partly", "create index partly on widgets (size)"),
        (
            "drop index partly; alter table widgets drop constraint large",
            "alter table widgets add constraint larger check (size >= 0)",
        ),
    ],
)
def test_the_help_shows_the_sql_that_completes_the_rollback(database: str, up: str, down: str) -> None:
    base = BASE + (
        "alter table widgets add at timestamp(3) with time zone default '2026-01-01', add constraint large "
        "check (size >= 0) not valid;create index partly on widgets (size) where size is not null;"
    )
    (finding,) = practise(database, [with_down("a", up, down)], base=base).results[0].findings
    assert finding.help is not None and finding.help.startswith("End the rollback with `"), finding
    whole = "; ".join([down, *finding.help.split("`")[1::2]])
    origin = make_conninfo(database, dbname=dbname_of(database) + "_origin")
    again = practise(copy(origin, dbname_of(database) + "_again"), [with_down("a", up, whole)], base="select 1")
    assert again.rules() == [[]] and again.proofs() == [Proof.PROVEN]


def test_the_help_shows_no_sql_when_a_few_statements_are_not_enough(database: str) -> None:
    many = "; ".join(f"create table t{number} (a int)" for number in range(5))
    (finding,) = practise(database, [with_down("a", many, "select 1")]).results[0].findings
    assert finding.help is not None and "`" not in finding.help
    gone = "alter table widgets drop size"
    (finding,) = practise(database, [with_down("b", gone, "select 1")], base="select 1").results[0].findings
    assert finding.help is not None and "drop column" not in finding.help and "add column" not in finding.help


def test_a_changed_order_of_columns_is_one_note(database: str) -> None:
    base = "create table empty (a integer, b integer)"
    swapped = with_down("b", "alter table empty drop a", "alter table empty add a integer")
    drilled = practise(database, [ADD_COLUMN, swapped], base=BASE + base)
    assert drilled.rules() == [[], ["rollback-column-order"]]
    assert drilled.proofs() == [Proof.PROVEN, Proof.PROVEN]
    assert drilled.results[1].findings[0].severity is Severity.NOTE
    assert "public.empty (b, a)" in drilled.results[1].findings[0].message


def test_a_migration_without_statements_needs_no_rollback(database: str) -> None:
    (result,) = practise(database, [with_down("a", "-- nothing yet", None, Strategy.NONE)]).results
    assert (result.findings, result.evidence.proof) == ((), Proof.NOT_RUN)


def test_a_view_that_follows_the_order_of_columns_is_no_other_view(database: str) -> None:
    """A view on ``*`` of a table whose column was re-added has the same columns in another order."""
    base = "create table plain (a integer, b text, c integer); create view shown as select * from plain;"
    loses = with_down(
        "a",
        "drop view shown; alter table plain drop a; create view shown as select * from plain",
        "drop view shown; alter table plain add a integer; create view shown as select * from plain",
    )
    later = with_down(
        "b",
        "drop view shown; create view shown as select p.*, 1 as n from plain p",
        "drop view shown; create view shown as select * from plain",
    )
    assert practise(database, [loses, later], base=base).rules() == [["rollback-column-order"], []]


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("begin  -- as it was\n return\t'a b';end", []),
        ("begin return 'a  b'; end", ["rollback-schema-differs"]),
        ("begin return 'a b' ; return ''; end", ["rollback-schema-differs"]),
    ],
)
def test_a_function_that_comes_back_with_other_blanks_is_no_other_function(
    database: str, text: str, rules: list[str]
) -> None:
    def made(body: str) -> str:
        return f"create or replace function said() returns text language plpgsql as $$ {body} $$"

    change = with_down("a", made("begin return 'c'; end"), made(text))
    assert practise(database, [change], base=made("begin return 'a b'; end")).rules() == [rules]


@pytest.mark.parametrize("type_of", ["varchar(9)", "timestamp(3) with time zone", "numeric(8, 2)[]"])
def test_a_default_of_null_is_no_default(database: str, type_of: str) -> None:
    up = f"create domain sized as integer default 3; alter table widgets add n {type_of}"
    down = "alter table widgets drop n; drop domain sized"
    adds = with_down("a", up, down)
    puts = with_down(
        "b", "alter table widgets alter n set default null", "alter table widgets alter n set default null"
    )
    takes = with_down("c", "alter table widgets alter n drop default", "alter table widgets alter n set default null")
    drilled = practise(database, [adds, takes, puts])
    assert drilled.rules() == [[], [], []]


def test_a_default_of_null_where_a_domain_brings_one_is_another_default(database: str) -> None:
    base = BASE + "create domain sized as integer default 3; alter table widgets add n sized;"
    subject = with_down("a", "select 1", "alter table widgets alter n set default null")
    assert practise(database, [subject], base=base).rules() == [["rollback-schema-differs"]]


def test_an_extension_that_may_have_been_there_before_is_well_left_there(database: str) -> None:
    extension = "create extension {} citext; alter table widgets add short citext"
    leaves = with_down("b", extension.format("if not exists"), "alter table widgets drop short")
    drilled = practise(database, [ADD_COLUMN, leaves])
    assert (drilled.rules(), drilled.proofs()) == ([[], []], [Proof.PROVEN, Proof.PROVEN])
    assert "rolling back leaves extension citext, which may have been there before" in drilled.results[1].evidence.price
    loud = with_down("b", extension.format(""), "alter table widgets drop short")
    assert practise(database, [loud], base="drop extension citext cascade").rules() == [["rollback-schema-differs"]]


def test_a_schema_that_may_have_been_there_before_is_well_left_there(database: str) -> None:
    leaves = with_down("b", "create schema if not exists shop; create table shop.w (id int)", "drop table shop.w")
    drilled = practise(database, [ADD_COLUMN, leaves])
    assert (drilled.rules(), drilled.proofs()) == ([[], []], [Proof.PROVEN, Proof.PROVEN])
    assert "rolling back leaves schema shop, which may have been there before" in drilled.results[1].evidence.price
    loud = with_down("c", "create schema loud", "select 1")
    assert practise(database, [loud], base="select 1").rules() == [["rollback-schema-differs"]]


def test_an_object_that_the_rollback_does_not_name_is_reported_at_its_first_changing_statement(database: str) -> None:
    down = "set client_min_messages to warning;\nbegin;\nselect 1;\nalter table widgets drop colour;\ncommit;"
    subject = with_down("a", "alter table widgets add colour text; create type mood as enum ('ok')", down)
    (finding,) = practise(database, [subject]).results[0].findings
    assert (finding.rule, finding.place.line) == ("rollback-schema-differs", 4)


def test_long_view_definitions_are_shown_from_their_first_difference(database: str) -> None:
    base = "create table plain (a integer, b text, c integer); create view shown as select * from plain;"
    columns = ", ".join(f"{number} as column_{number}" for number in range(60))
    up = f"create or replace view shown as select *, {columns}, 1 as last from plain"
    down = "drop view shown; alter table plain drop a, add a integer; create view shown as select a, b from plain"
    (result,) = practise(database, [with_down("a", up, down)], base=base).results
    assert "rollback-schema-differs" in [item.rule for item in result.findings]
    wide = with_down("b", f"create view w as select {columns}", "drop view w")
    worse = with_down(
        "c",
        "create or replace view w as select " + columns + ", 1 as last",
        "drop view w; create view w as select " + columns.replace("59 as", "58 as"),
    )
    (_, result) = practise(database, [wide, worse], base="select 1").results
    (finding,) = result.findings
    assert "58 AS column_59" in finding.message and len(finding.message) < 800


def test_a_migration_that_the_isolated_drill_cannot_reach_is_not_proven_and_has_the_reason(database: str) -> None:
    """A role outlives the database that is restored, so the first migration does not apply from the start again."""
    role = f"isolated_{dbname_of(database)}"
    first = with_down("a", f"create role {role}", f"drop role {role}")
    broken = with_down("c", "create table pieces (a integer)", "drop table piece")
    try:
        drilled = practise(database, [first, ADD_TABLE, broken])
    finally:
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute(f"drop role if exists {role}")
    assert drilled.proofs() == [Proof.NOT_RUN, Proof.NOT_RUN, Proof.FAILED]
    messages = [result.evidence.message or "" for result in drilled.results[:2]]
    assert all("Not drilled" in message and "was not reached from the start" in message for message in messages)
    assert "already exists" in messages[0]


def test_a_down_that_only_raises_an_error_declines_and_has_not_failed(database: str) -> None:
    raises = "do $$\nbegin\n  raise 'irreversible';\nend\n$$"
    declined = with_down("a", "alter table widgets add colour text", raises)
    first = practise(database, [declined], native_format=False)
    assert first.rules() == [["rollback-missing"]] and first.proofs() == [Proof.NOT_RUN]
    assert "irreversible" in first.results[0].findings[0].message
    notice = with_down("b", "alter table widgets add weight text", raises.replace("raise", "raise notice 'x'; raise"))
    assert practise(database, [notice], base="select 1", native_format=False).rules() == [["rollback-failed"]]


def test_a_moment_that_is_written_into_a_view_is_no_difference(database: str) -> None:
    view = "create view recent as select name from widgets where now() > 'now'::timestamp"
    again = with_down("b", "drop view recent", view)
    assert practise(database, [with_down("a", view, "drop view recent"), again]).rules() == [[], []]
    other = with_down("b", "drop view recent", view.replace(" > ", " < "))
    base = "create view recent as select name from widgets where now() > 'now'::timestamp"
    assert practise(database, [other], base=base).rules() == [["rollback-schema-differs"]]
