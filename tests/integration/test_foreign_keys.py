"""Foreign keys that no index serves."""

from __future__ import annotations

import psycopg
import pytest

from kfm_ci.evidence.unindexed_foreign_keys import read_unindexed

TABLES = "create table a (x int, y int, primary key (x, y), unique (x)); create table b (id int, x int, y int);"
ONE = "alter table b add constraint to_a foreign key (x) references a (x);"
TWO = "alter table b add constraint to_a foreign key (x, y) references a (x, y);"


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        (ONE, 1),
        (ONE + "create index on b (x)", 0),
        (ONE + "create index on b (x, id)", 0),
        (ONE + "create index on b (id, x)", 1),
        (ONE + "create index on b (x) where id > 3", 1),
        (TWO + "create index on b (y, x)", 0),
        (TWO + "create index on b (x)", 1),
    ],
)
def test_only_an_index_that_leads_with_the_columns_serves_a_foreign_key(database: str, sql: str, found: int) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(TABLES + sql)
        keys = read_unindexed(connection)
    assert len(keys) == found
    assert all((key.table, key.name, key.referenced) == ("public.b", "to_a", "public.a") for key in keys)
