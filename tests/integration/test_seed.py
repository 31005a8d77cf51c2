"""Synthetic rows on real servers: every table gets some, they satisfy every constraint, and they are unusual."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from kfm_ci.evidence import seed
from kfm_ci.evidence.model import Seeding
from kfm_ci.evidence.seed import regex_samples
from kfm_ci.postgres import catalog, session
from kfm_ci.postgres.engines.base import Server

HARD = """
create type mood as enum ('sad', 'ok');
create domain email as text check (value ~ '^[^@ ]+@[a-z]+\\.example$') not null;
create domain percent as numeric(5,2) check (value between 0 and 100);
create type pair as (a int, b text);
create table plain (id bigint generated always as identity primary key, name text, note varchar(20), n int,
  at timestamptz,
  m mood, ms mood[], tags text[] not null default '{}', j jsonb, p percent, r int4range, mr int4multirange, pr pair,
  u uuid, b bytea, x numeric(10,2), c char(3), i interval, ip inet, f float8, d date, bits bit(4), flag boolean);
create table accounts (id serial primary key, mail email unique, "Weird ""Name" text not null,
  status text not null check (status in ('open', 'closed')), code varchar(8) check (code ~ '^[A-Z]{2}[0-9]{3}$'),
  low int, high int, check (low < high), total int generated always as (low + high) stored);
create unique index on accounts (lower("Weird ""Name"));
create table owned (id uuid primary key default gen_random_uuid(), account_id int references accounts,
  plain_id bigint references plain,
  check (num_nonnulls(account_id, plain_id) = 1));
create table tenants (id int primary key);
create table projects (tenant_id int references tenants, id int, parent_id int, primary key (tenant_id, id),
  foreign key (tenant_id, parent_id) references projects (tenant_id, id));
create table tasks (tenant_id int not null, project_id int not null, id int, title text not null,
  primary key (tenant_id, id),
  foreign key (tenant_id) references tenants, foreign key (tenant_id, project_id) references projects (tenant_id, id));
create table hen (id int primary key, egg int not null);
create table egg (id int primary key, hen int not null references hen);
alter table hen add foreign key (egg) references egg;
create table dept (id int primary key, boss int);
create table person (id int primary key, dept int not null references dept deferrable initially deferred,
  unique (dept));
alter table dept add foreign key (boss) references person;
create table self_made (id int primary key, twin int not null references self_made);
create table events (id bigint, day date not null, kind text not null, primary key (id, day, kind))
  partition by range (day);
create table events_2024 partition of events for values from ('2024-01-01') to ('2025-01-01') partition by list (kind);
create table events_2024_a partition of events_2024 for values in ('a', 'b');
create table hashed (id int primary key) partition by hash (id);
create table hashed_0 partition of hashed for values with (modulus 2, remainder 0);
create table hashed_1 partition of hashed for values with (modulus 2, remainder 1);
create table animals (name text not null);
create table cats (lives int check (lives between 1 and 9)) inherits (animals);
create table bookings (room int not null, during daterange not null, exclude using gist (during with &&));
create table lookup (id int primary key, name text not null unique);
insert into lookup values (1, 'one'), (2, 'two');
create table users_of_lookup (lookup_id int not null references lookup, n smallint not null check (n % 5 = 2));
create table empty_columns ();
create table partial (mail text not null, gone boolean not null);
create unique index on partial (mail) where not gone;
create table strict_null (a int, b int, unique (a, b));
create table schema_migrations (version text primary key);
create function refuse() returns trigger language plpgsql as $$ begin raise exception 'no rows, please'; end $$;
create trigger refuse before insert on plain for each row execute function refuse();
create trigger replica_only before insert on accounts for each row execute function refuse();
alter table accounts enable always trigger replica_only;
create rule nothing as on insert to tenants do instead nothing;
alter table projects enable row level security;
alter table projects force row level security;
"""


@pytest.fixture
def owner(server: Server, database: str) -> Iterator[Connection[Any]]:
    """A session as the plain owner of an empty database."""
    with session.connect(server, psycopg.conninfo.conninfo_to_dict(database)["dbname"]) as connection:
        yield connection


def seed_schema(owner: Connection[Any], schema: str, **options: Any) -> Seeding:
    owner.execute(schema.encode())
    return seed.seed_tables(owner, seed=1, rows=8, **options)


def test_every_table_of_a_hard_schema_gets_rows_and_the_schema_is_left_as_it_was(owner: Connection[Any]) -> None:
    owner.execute(HARD.encode())
    before = catalog.read(owner)
    done = seed.seed_tables(owner, seed=1, rows=8)
    assert dict(done.unseeded) == {}
    rows = dict(done.tables)
    assert len(rows) == 20 and min(rows.values()) >= 1
    assert rows["public.plain"] == rows["public.accounts"] == rows["public.owned"] == rows["public.tasks"] == 8
    assert done.base_rows == (("public.lookup", 2),)
    assert catalog.read(owner) == before


def test_the_same_seed_gives_the_same_rows_and_another_seed_others(owner: Connection[Any]) -> None:
    owner.execute(HARD.encode())
    texts = []
    for number in (1, 1, 2):
        with owner.transaction(force_rollback=True):
            seed.seed_tables(owner, seed=number, rows=8)
            texts.append(owner.execute("select string_agg(t::text, ',') from (table accounts) t").fetchone())
    assert texts[0] == texts[1] != texts[2]


def test_the_sequences_of_seeded_tables_returned_values_like_those_of_tables_in_use(owner: Connection[Any]) -> None:
    owner.execute(
        HARD.encode() + b"create sequence lone; create sequence used; create table u (id int, s int default"
        b" nextval('used')); create table filled (id serial); insert into filled values (1);"
        b" create sequence falling increment -1; alter table u add f int default nextval('falling')"
    )
    seed.seed_tables(owner, seed=1, rows=8)
    last = dict(owner.execute("select sequencename, last_value from pg_sequences").fetchall())
    assert last["accounts_id_seq"] == last["plain_id_seq"] == last["used"] == 1000 and last["falling"] == -1000
    assert last["lone"] is last["filled_id_seq"] is None


UNUSUAL = """create table t (id bigint primary key, a text, b varchar(40) not null, n int not null,
  big bigint, d date, f boolean);
create table child (t_id bigint not null references t, x text);"""


@pytest.mark.parametrize(
    ("claim", "query"),
    [
        ("NULL where it is allowed", "select bool_or(a is null) from t"),
        ("NULL in one column only", "select bool_or((a is null) <> (big is null)) from t"),
        ("duplicates where nothing forbids them", "select count(*) > count(distinct (a, b, n, big)) from t"),
        ("the empty text", "select bool_or(b = '') from t"),
        ("a text as long as the column", "select max(length(b)) = 40 and max(length(a)) >= 1000 from t"),
        ("scripts beyond the first plane", "select bool_or(a ~ U&'\\+01F600') from t"),
        ("zero, negative and large numbers", "select bool_or(n = 0) and bool_or(n < 0) and max(n) > 32767 from t"),
        ("more than an int holds", "select max(big) > 2147483647 from t"),
        ("several children of one parent", "select max(c) > 1 from (select count(*) c from child group by t_id) s"),
    ],
)
def test_rows_are_unusual(owner: Connection[Any], claim: str, query: str) -> None:
    seed_schema(owner, UNUSUAL)
    assert owner.execute(query.encode()).fetchone() == (True,), claim


CYCLE = """create table ring (id int primary key, peer int);
create table peer (id int primary key, ring int not null references ring);
alter table ring add foreign key (peer) references peer;"""


@pytest.mark.parametrize(("check", "empty"), [("", True), ("alter table ring add check (peer is not null);", False)])
def test_a_cyclic_foreign_key_is_null_once_if_it_may_be(owner: Connection[Any], check: str, empty: bool) -> None:
    done = seed_schema(owner, CYCLE + check)
    assert done.tables == (("public.peer", 8), ("public.ring", 8))
    found = owner.execute("select bool_or(peer is null), bool_or(peer is not null) from ring").fetchone()
    assert found == (empty, True)


@pytest.mark.parametrize(
    "check",
    [
        "jsonb_typeof(j) = 'object' and j ? 'name'",
        "j ? 'id' and jsonb_typeof(j -> 'version') = 'number'",
        "(j ->> 'type') in ('card', 'cash')",
        "jsonb_typeof(j) = 'array' and jsonb_array_length(j) = 3",
        "(j ->> 'amount')::numeric > 0",
        """j @> '{"schema": 2}'""",
    ],
)
def test_documents_satisfy_a_check(owner: Connection[Any], check: str) -> None:
    done = seed_schema(owner, f"create table documents (id bigint primary key, j jsonb not null check ({check}))")
    assert done.unseeded == ()


def test_each_column_of_a_shared_check_is_null_once(owner: Connection[Any]) -> None:
    seed_schema(owner, "create table t (a text, b text, c text, check (num_nonnulls(a, b, c) >= 2))")
    empty = owner.execute("select bool_or(a is null), bool_or(b is null), bool_or(c is null) from t").fetchone()
    assert empty == (True, True, True)


def test_keys_leave_room_for_rows_that_a_migration_inserts(owner: Connection[Any]) -> None:
    seed_schema(owner, "create table t (id serial primary key, name text unique)")
    owner.execute("insert into t (name) values ('admin'); insert into t values (2, 'user')")
    assert owner.execute("select count(*), count(*) filter (where id = 2) from t").fetchone() == (10, 1)


def test_restricted_columns_get_no_unusual_values_and_tables_can_be_left_out(owner: Connection[Any]) -> None:
    done = seed_schema(owner, UNUSUAL, restricted={"public.t": frozenset({"a", "n"})}, without={"public.child"})
    assert dict(done.tables) == {"public.t": 8}
    assert owner.execute(
        "select count(a) = 8 and count(distinct a) = 8 and count(distinct n) = 8 from t"
    ).fetchone() == (True,)


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ("create table t (n int not null check (n * n = 1234321 + 4))", "t_n_check"),
        ("create table t (n int not null check (n > 5 and n < 5))", "No value was found for column `n`."),
        (
            (
                "create table p (n int check (n > 5 and n < 5) not null primary key); create table t (n int not "
                "null references p)"
            ),
            "references a table without rows",
        ),
    ],
)
def test_a_table_that_cannot_be_seeded_is_listed_with_its_reason(
    owner: Connection[Any], schema: str, reason: str
) -> None:
    done = seed_schema(owner, schema + "; create table ok (id int)")
    reasons = dict(done.unseeded)
    assert "public.t" in reasons and (reason in reasons["public.t"] or "No value" in reasons["public.t"])
    assert dict(done.tables) == {"public.ok": 8}


def test_tables_that_remain_at_the_time_limit_are_listed(owner: Connection[Any]) -> None:
    done = seed_schema(owner, UNUSUAL, budget_s=0)
    assert done.unseeded == (
        ("public.child", "The time limit of seeding was reached."),
        ("public.t", "The time limit of seeding was reached."),
    )


def test_history_tables_of_migration_tools_stay_empty(owner: Connection[Any]) -> None:
    done = seed_schema(
        owner, "create table schema_migrations (version text); create schema x; create table x.alembic_version (v text)"
    )
    assert done == Seeding(seed=1)


PATTERNS = [
    "^[A-Z]{3}-\\d{4}$",
    "^[[:alpha:]][[:alnum:]_]*$",
    "^(red|green|blue)$",
    "^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$",
    "^\\+?[1-9]\\d{6,14}$",
    "^#(?:[0-9a-f]{3}){1,2}$",
    "^\\S+$",
    "^[a-z0-9]+(-[a-z0-9]+)*$",
    "^https?://[^/]+/.*$",
    "^v\\d+\\.\\d+\\.\\d+$",
    "\\mword\\M",
    "^[]a-]+$",
    "(?i)^abc$",
    "^.{2,5}$",
    "^a*$",
    "^\\w+\\y",
]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_the_server_matches_the_sample_texts_of_a_pattern(owner: Connection[Any], pattern: str) -> None:
    texts = list(dict.fromkeys(regex_samples.matching_texts(pattern)))
    row = owner.execute("select array_agg(t) from unnest(%s::text[]) t where t !~ %s", (texts, pattern)).fetchone()
    assert texts and row == (None,)
