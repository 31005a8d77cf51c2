"""Rules about statements: what they find beyond their examples, and the near misses they leave alone."""

from __future__ import annotations

import pytest

from kfm_ci.rules import ALL

RULES = {rule.info.id: rule for rule in ALL}
NAME = "20260225_1200__add_widgets_table"


@pytest.fixture
def found(judge_text):
    """Return the ids of the findings of one rule about one new migration of the given text."""

    def run(rule: str, text: str, **kwargs: object) -> list[str]:
        return [item.message for item in judge_text(RULES[rule], text, **kwargs)]

    return run


FOUND = [
    ("statement-not-parsed", "select 1;\ncreate tabel t (a int);"),
    ("unresolved-placeholder", 'alter table {{ index .Options "Namespace" }}.users add column a int;'),
    ("unresolved-placeholder", "insert into t values (:'name', %(x)s);"),
    ("unresolved-placeholder", "do $$ begin alter table {{ s }}.t add column a int; end $$;"),
    ("psql-meta-command", "select 1;\n\\i /etc/passwd"),
    ("dynamic-sql", "do $$ begin execute 'drop table ' || quote_ident('t'); end $$;"),
    ("dynamic-sql", "do language plpython3u $$ plpy.execute('drop table t') $$;"),
    ("statements-rolled-back", "select 1;\nrollback;"),
    ("transaction-control", "begin;\nselect 1;\ncommit;"),
    ("transaction-control", "prepare transaction 'x';"),
    ("non-transactional-mixed", "create table t (a int);\nvacuum t;"),
    ("non-transactional-mixed", "create index concurrently a on t (a);\ncreate index concurrently b on t (b);"),
    (
        "enum-value-used-in-same-transaction",
        "alter type mood add value 'it''s';\nupdate t set mood = 'it''s' where id = 1;",
    ),
    (
        "enum-value-used-in-same-transaction",
        "alter type mood add value 'b';\nupdate t set mood = 'b' where id::text = '1';",
    ),
    (
        "enum-value-used-in-same-transaction",
        "alter type mood add value 'b';\nupdate t set a = 1 where id::text = '1' and mood in ('b');",
    ),
    (
        "enum-value-used-in-same-transaction",
        "alter type mood add value 'b';\nupdate t set a = 'b'::mood::text where id = 1;",
    ),
    ("schema-and-data-mixed", "alter table a add column x int;\nupdate b set y = 1;"),
    ("schema-and-data-mixed", "alter table a add column x int;\ninsert into b select id from a;"),
    ("schema-and-data-mixed", "do $$ begin alter table a add column x int; update a set x = 1; end $$;"),
    ("volatile-value", "update t set at = current_timestamp where id = 1;"),
    ("volatile-value", "do $$ begin insert into t select random() from u; end $$;"),
    ("volatile-value", "delete from t where at < pg_catalog.now();"),
    ("update-without-where", "update shop.orders set a = 1 where true;"),
    ("update-without-where", "update t set a = 1 where 'x' = 'x' and true;"),
    ("update-without-where", "create table other (a int); update t set a = 1;"),
    ("update-without-where", "do $$ begin update t set a = 1; end $$;"),
    ("delete-without-where", "delete from t;"),
    ("delete-without-where", "delete from t where a = 1 or 1 = 1;"),
    ("unbatched-backfill", "delete from t where a is null;"),
    ("unbatched-backfill", "update t set a = u.a from u where u.id = t.id;"),
    ("unbatched-backfill", "delete from t using u where u.id = t.id;"),
    ("unbatched-backfill", "update t set a = 1 where b > 5;"),
    ("unbatched-backfill", "update t set a = 1 where tries < 3;"),
    ("unbatched-backfill", "update t set a = 1 where id > 100;"),
    ("unbatched-backfill", "update t set a = 1 where id = 1 or a is null;"),
    ("unbatched-backfill", "update t set a = 1 where not (id = 1);"),
    ("unbatched-backfill", "update t set a = 1 where done = false;"),
    ("unbatched-backfill", "delete from t where id in (select t_id from u);"),
    ("unbatched-backfill", "update t set a = (select b from u where u.id = t.id limit 1) where a is null;"),
    ("index-not-concurrent", "create table other (a int); create unique index i on t (a);"),
    ("index-not-concurrent", "create table a.t (x int); create index i on b.t (x);"),
    ("index-not-concurrent", "do $$ begin create index i on t (a); end $$;"),
    ("index-not-concurrent", "create index i on t (a); create table t (a int);"),
    (
        "concurrent-index-if-not-exists",
        "drop index concurrently if exists j; create index concurrently if not exists i on t (a);",
    ),
    ("vacuum-full-or-cluster", "vacuum (full, analyze) shop.t;"),
    ("vacuum-full-or-cluster", "cluster t using i;"),
    ("storage-rewrite", "alter table t set tablespace fast, set logged;"),
    ("storage-rewrite", "alter table t set access method heap2;"),
    ("generated-column-added", "alter table t add column n bigserial;"),
    ("generated-column-added", "alter table t add n int generated always as (a * 2) stored;"),
    (
        "constrained-domain-column",
        "create domain shop.d as text not null default 'x;'; alter table t add column a shop.d;",
    ),
    ("column-check-scans", "alter table t add column a int default 1 constraint c check (a > 0);"),
    ("domain-constraint-scans", "alter domain d set not null;"),
    ("attach-partition-scans", "create table p partition of q default; alter table t attach partition old default;"),
    ("partition-created-in-place", "create table p partition of shop.events default;"),
    ("refresh-not-concurrent", "refresh materialized view v with data;"),
    ("explicit-lock", "create table n (a int); lock table n, t in share row exclusive mode;"),
    ("json-column", "alter table t add column a int, add column b json;"),
    ("server-file", "copy (select 1) to '/tmp/x';"),
    ("server-file", "insert into t select pg_catalog.pg_read_file('/etc/passwd');"),
    ("server-settings", "do $$ begin create role app; end $$;"),
    ("server-settings", "alter role app set search_path = x;"),
    ("server-settings", "grant admin to app;"),
    ("role-switched", "set session authorization postgres;"),
    ("role-switched", "set local role admin;"),
    ("untrusted-language", "create extension plperlu;"),
    ("outside-database", "select * from dblink('host=x', 'select 1') as t (a int);"),
    ("outside-database", "create subscription s connection 'host=x' publication p;"),
    ("granted-to-public", "alter default privileges in schema shop grant select on tables to public;"),
    (
        "security-definer-search-path",
        "create procedure p() language sql security definer set work_mem = '1MB' as 'select 1';",
    ),
    ("set-local-without-transaction", "set local statement_timeout = 0; vacuum t;"),
    ("table-dropped", "drop table if exists a.t, u cascade;"),
    ("table-dropped", "drop table t; create table t (a int);"),
    ("column-dropped", "create table u (a int); alter table t drop column a, add column b int;"),
    ("table-renamed", "alter table t set schema archive;"),
    ("table-renamed", "alter view v rename to w;"),
    ("column-renamed", 'alter table t rename "A" to b;'),
    ("table-truncated", "truncate only a.t restart identity;"),
]

SILENT = [
    ("volatile-value", "create table t (at timestamptz default now(), id uuid default gen_random_uuid());"),
    ("volatile-value", "insert into t (owner, word) values (current_user, 'now()'); update t set a = shop.nowadays();"),
    ("volatile-value", "create function f() returns void language sql as 'insert into t values (now())';"),
    ("statement-not-parsed", "create table t (a int) -- no semicolon"),
    ("unresolved-placeholder", "select a::text, b[1:2] from t where c = ':x'; insert into t values ('${x}');"),
    ("psql-meta-command", "insert into t values ('\n\\i x\n');"),
    ("dynamic-sql", "do $$ begin execute 'drop table t'; perform 1; end $$;"),
    ("dynamic-sql", "do $$ begin alter table {{ s }}.t add column a int; end $$;"),
    ("dynamic-sql", "create function f() returns void language plpgsql as $$ begin execute x; end $$;"),
    ("transaction-control", "savepoint a;\nrollback to savepoint a;"),
    ("transaction-control", "do $$ begin null; end $$;"),
    (
        "non-transactional-mixed",
        "set lock_timeout = '2s';\ndrop index concurrently if exists i;\ncreate index concurrently i on t (a);",
    ),
    ("non-transactional-mixed", "comment on table t is 'reindex concurrently';\ncreate table u (a int);"),
    (
        "enum-value-used-in-same-transaction",
        "create type mood as enum ('a');\nalter type mood add value 'b';\ninsert into t values ('b');",
    ),
    (
        "enum-value-used-in-same-transaction",
        "alter type mood add value 'b';\nupdate t set a = 1 where mood::text = 'b';",
    ),
    (
        "enum-value-used-in-same-transaction",
        "alter type mood add value 'b';\nupdate t set a = 1 where 'b'::varchar(9) = mood::text;",
    ),
    (
        "enum-value-used-in-same-transaction",
        "alter type mood add value 'b';\nalter table t add check (mood::text in ('a', 'b'));",
    ),
    (
        "enum-value-used-in-same-transaction",
        "alter type mood add value 'b';\nalter table t add check (mood::text = any (array['a', 'b']));",
    ),
    (
        "enum-value-used-in-same-transaction",
        "alter type mood add value 'b';\nupdate t set a = 1 where cast(mood as text) like 'b';",
    ),
    (
        "enum-value-used-in-same-transaction",
        "alter type mood add value 'b';\ncomment on type mood is 'b';\ninsert into t values ('c');",
    ),
    ("schema-and-data-mixed", "create table a (x int);\nalter table a add column y int;\nupdate b set z = 1;"),
    (
        "schema-and-data-mixed",
        "alter table a add column x int;\ncreate table b (y int);\ninsert into b select id from a;",
    ),
    ("schema-and-data-mixed", "alter table a add column x int;\nupdate a set x = 1 where id = 7;"),
    ("schema-and-data-mixed", "alter table a validate constraint c;\nupdate a set x = 1;"),
    ("schema-and-data-mixed", "alter table a add column x int;\ninsert into b values (1), (2);"),
    ("update-without-where", "create table t (a int); update t set a = 1;"),
    ("update-without-where", "set search_path to shop; create table t (a int); update shop.t set a = 1;"),
    ("update-without-where", "create schema shop; update shop.t set a = 1;"),
    ("update-without-where", "create temp table t as select 1 a; update t set a = 2;"),
    ("update-without-where", "update t set a = u.a from u;"),
    ("update-without-where", "create function f() returns void language sql as 'update t set a = 1';"),
    ("delete-without-where", "delete from t where 1 = 2;"),
    ("delete-without-where", "delete from t using u where t.id = u.id;"),
    ("unbatched-backfill", "update t set a = 1 where id between 1 and 5000;"),
    ("unbatched-backfill", "update t set a = 1 where id >= 1 and id < 5000;"),
    ("unbatched-backfill", "update t set a = 1 where a is null and id < 10000000;"),
    ("unbatched-backfill", "update users set a = 1 where a is null and 5000 >= user_id;"),
    ("unbatched-backfill", "update t set a = 1 where id = 1 or (id > 5 and id <= 9);"),
    (
        "unbatched-backfill",
        "with some as (select id from t limit 9) update t set a = 1 from some where some.id = t.id;",
    ),
    ("unbatched-backfill", "delete from t where done = false and kind = 'old';"),
    ("unbatched-backfill", "delete from t where id = (select id from u where name = 'x');"),
    ("unbatched-backfill", "delete from t where id in (select t_id from u where name = 'x');"),
    ("unbatched-backfill", "delete from t where kind = 'old';"),
    ("unbatched-backfill", "delete from t where ctid = any (array(select ctid from t where a is null limit 100));"),
    ("unbatched-backfill", "create temp table chosen as select 1 id; delete from t using chosen c where c.id = t.id;"),
    ("index-not-concurrent", "create table t (a int); create index i on public.t (a);"),
    ("index-not-concurrent", "create table t (a int); alter table t rename to u; create index i on u (a);"),
    ("index-not-concurrent", "create materialized view v as select 1 a; create index i on v (a);"),
    ("index-not-concurrent", "create index i on only t (a);"),
    ("index-not-concurrent", "do $$ begin create table t (a int); create index i on t (a); end $$;"),
    ("concurrent-index-if-not-exists", "create table t (a int); create index if not exists i on t (a);"),
    ("vacuum-full-or-cluster", "create table t (a int); cluster t using i; vacuum (full false) u;"),
    ("storage-rewrite", "create unlogged table t (a int); alter table t set logged;"),
    ("generated-column-added", "create table t (a int); alter table t add column n bigserial;"),
    ("generated-column-added", "alter table t add n int generated always as (a * 2) virtual;"),
    ("constrained-domain-column", "create domain d as text default 'check'; alter table t add column a d;"),
    ("column-check-scans", "create table t (a int); alter table t add column b int check (b > 0);"),
    ("domain-constraint-scans", "create domain d as int; alter domain d add check (value > 0);"),
    ("domain-constraint-scans", "alter domain d drop constraint c; alter domain d set default 1;"),
    ("attach-partition-scans", "alter table old validate constraint c; alter table t attach partition old default;"),
    (
        "partition-created-in-place",
        "create table t (a int) partition by range (a); create table p partition of t default;",
    ),
    ("partition-created-in-place", "create table p (b int) inherits (t);"),
    ("refresh-not-concurrent", "refresh materialized view v with no data;"),
    ("refresh-not-concurrent", "create materialized view v as select 1; refresh materialized view v;"),
    ("explicit-lock", "lock table t in row exclusive mode;"),
    ("json-column", "create table t (a json); alter table t add column b json; alter table u add column d jsonb;"),
    ("server-file", "copy t from stdin; \\.\n"),
    ("server-file", "select 'pg_read_file(1)';"),
    ("server-settings", "alter table t owner to app; alter database_ rename to x;"),
    ("role-switched", "reset role; set role none; set search_path = role;"),
    ("untrusted-language", "create function f() returns int language plpgsql as $$ begin return 1; end $$;"),
    (
        "outside-database",
        "create extension pgcrypto; create extension if not exists pg_trgm; comment on table t is 'dblink';",
    ),
    ("granted-to-public", "revoke all on t from public; grant select on t to app;"),
    ("security-definer-search-path", "create function f() returns int language sql as 'select 1';"),
    ("set-local-without-transaction", "set local lock_timeout = '2s'; alter table t add column a int;"),
    ("set-local-without-transaction", "begin; set local lock_timeout = '2s'; commit; vacuum t;"),
    ("table-dropped", "create table t (a int); drop table t; drop view v; drop index i;"),
    ("column-dropped", "alter table t add column a int; alter table t drop column a;"),
    ("column-dropped", "create table t (a int); alter table t drop column a; alter table u drop constraint c;"),
    ("table-renamed", "alter table t rename to u; create view t as select * from u;"),
    ("table-renamed", "create table n (a int); alter table n rename to m; alter index i rename to j;"),
    ("table-renamed", "alter table t rename constraint a to b;"),
    ("column-renamed", "create table t (a int); alter table t rename a to b; alter table t rename b to c;"),
    ("column-renamed", "alter table t add column a int; alter table t rename a to b;"),
    ("table-truncated", "create temp table t (a int); truncate t;"),
]


@pytest.mark.parametrize(("rule", "sql"), FOUND)
def test_a_rule_finds(rule, sql, found):
    assert found(rule, sql)


@pytest.mark.parametrize(("rule", "sql"), SILENT)
def test_a_rule_leaves_alone(rule, sql, found):
    assert found(rule, sql) == []


def test_a_table_of_an_earlier_migration_of_the_same_change_is_new(judge):
    files = {"V1__one.up.sql": "create table t (a int);", "V2__two.up.sql": "create index i on t (a);"}
    assert judge(RULES["index-not-concurrent"], files) == []
    merged = {"V1__one.up.sql": files["V1__one.up.sql"]}
    assert len(judge(RULES["index-not-concurrent"], files, merged)) == 1


def test_an_index_on_what_earlier_files_partition_is_advised_part_by_part(judge):
    merged = {"V1__one.up.sql": "create table if not exists t (a int) partition by list (a);\ncreate table u (a int);"}
    files = {
        **merged,
        "V2__two.up.sql": "create index i on t (a);",
        "V3__three.up.sql": "create index j on public.u (a);",
    }
    first, second = judge(RULES["index-not-concurrent"], files, merged)
    assert "`create index i on only t (a);`" in first.help and "attach partition" in first.help
    assert "INDEX CONCURRENTLY j ON public.u" in second.help


def test_a_placeholder_means_the_same_however_it_is_written(judge_text):
    text = (
        'create table {{ index .Options "Namespace" }}.t (a int);\n'
        'create index i on {{index .Options "Namespace"}}.%s (a);'
    )
    rule = RULES["index-not-concurrent"]
    assert judge_text(rule, text % "t") == []
    assert "….u` " in judge_text(rule, text % "u")[0].message


def test_a_file_full_of_placeholders_is_told_once_with_the_line_that_fills_them(judge_text):
    sql = "alter table {{ .S }}.a add column x int;\nalter table {{ .S }}.b add column y int;"
    (found,) = judge_text(RULES["unresolved-placeholder"], sql)
    assert "2 statements of the file" in found.message
    assert "[migrations.placeholders] '{{ .S }}' = \"…\"" in found.help


def test_what_a_down_file_takes_back_is_no_finding(judge):
    files = {"V1__one.up.sql": "create table t (a int);", "V1__one.down.sql": "delete from u; update u set a = 1;"}
    assert [
        found
        for rule in ALL
        if rule.info.id in {"delete-without-where", "update-without-where"}
        for found in judge(rule, files)
    ] == []


def test_a_finding_inside_a_block_stands_on_its_own_line(judge_text):
    text = "select 1;\n\ndo $x$\nbegin\n  perform 1;\n  update t set a = 1;\nend $x$;\n"
    assert [item.place.line for item in judge_text(RULES["update-without-where"], text)] == [6]


@pytest.mark.parametrize(
    ("rule", "line", "said"),
    [
        ("volatile-value", "insert into t values (now());", "uses now()"),
        ("other-tool-ignore-comment", "-- atlas:nolint", "atlas:nolint"),
    ],
)
def test_what_is_as_true_of_many_lines_is_one_note_that_names_them(judge_text, rule, line, said):
    (found,) = judge_text(RULES[rule], f"{line}\n" * 10)
    assert said in found.message and found.place.line == 1
    assert found.message.endswith("(10 places, lines 1, 2, 3, 4, 5, 6, 7, 8 and 2 more).")


def test_a_suspicion_says_that_it_is_one(judge_text):
    rule = RULES["index-not-concurrent"]
    assert {item.verdict.value for item in judge_text(rule, rule.info.bad)} == {"suspected"}
    rule = RULES["update-without-where"]
    assert {item.verdict.value for item in judge_text(rule, rule.info.bad)} == {"fact"}


LEAKS = [
    ("select pg_catalog.set_config('search_path', '', false);", True),
    ("select set_config('search_path', '', true);", False),
    ("set search_path = a; reset search_path;", False),
    ("set session_replication_role = replica; discard all;", False),
    ("set lock_timeout = '2s';", False),
    ("set client_min_messages = warning; set search_path = a;", True),
]


@pytest.mark.parametrize(("sql", "leaks"), LEAKS)
def test_a_setting_that_outlives_its_file_is_told_once_for_other_tools(sql, leaks, found):
    assert len(found("session-setting-leaks", sql, format="flyway")) == leaks
    assert found("session-setting-leaks", sql) == []
