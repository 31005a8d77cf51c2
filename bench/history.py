"""A realistic generated history: columns, indexes, constraints, rows, functions and views, with down migrations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HEADER = """-- [KFM_MIGRATION]
-- id: {id}
-- owner: shop-team
-- ticket: https://github.com/acme/shop/issues/{number}
-- risk: high
-- rollout: requires-maintenance-window
-- rollback: down
-- dialect: postgresql
-- [/KFM_MIGRATION]

set lock_timeout = '2s';

"""
AUTOCOMMIT = HEADER.replace("-- [/KFM", "-- transaction: no\n-- transaction-reason: concurrent index\n-- [/KFM")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One migration: its up and down SQL."""

    name: str
    up: str
    down: str
    autocommit: bool = False


def _table(number: int) -> tuple[Pair, ...]:
    table, parent = f"item_{number}", f"item_{number - 1}"
    reference = f",\n  {parent}_id bigint references {parent} (id)" if number else ""
    index = f"create index {table}_parent_idx on {table} ({parent}_id);\n" if number else ""
    concurrently = " concurrently" if number % 5 == 0 else ""
    return (
        Pair(
            name=f"create_{table}",
            up=f"create table {table} (\n  id bigint generated always as identity primary key,\n  name text not null,\n"
            f"  state text not null default 'new' check (state in ('new', 'open', 'done')),\n"
            f"  created_at timestamptz not null default now(){reference}\n);\n{index}"
            f"comment on table {table} is 'What item {number} is';\n",
            down=f"drop table {table};\n",
        ),
        Pair(
            name=f"add_{table}_price",
            up=f"alter table {table} add column price numeric(12, 2), add column updated_at timestamptz;\n"
            f"comment on column {table}.price is 'in euros';\n",
            down=f"alter table {table} drop column price, drop column updated_at;\n",
        ),
        Pair(
            name=f"fill_{table}",
            up=f"insert into {table} (name, price) select 'thing ' || n, n from generate_series(1, 50) n\n"
            f" where not exists (select from {table} where name = 'thing ' || n);\n",
            down=f"delete from {table} where name like 'thing %';\n",
        ),
        Pair(
            name=f"index_{table}_name",
            up=f"create index{concurrently} {table}_name_idx on {table} (name);\n",
            down=f"drop index{concurrently} {table}_name_idx;\n",
            autocommit=bool(concurrently),
        ),
        Pair(
            name=f"check_{table}_price",
            up=f"alter table {table} add constraint {table}_price_positive check (price >= 0) not valid;\n"
            f"alter table {table} validate constraint {table}_price_positive;\n",
            down=f"alter table {table} drop constraint {table}_price_positive;\n",
        ),
        Pair(
            name=f"touch_{table}",
            up=f"create function touch_{table}() returns trigger language plpgsql as $$\nbegin\n"
            f"  new.updated_at := now();\n  return new;\nend $$;\n"
            f"create trigger {table}_touch before update on {table} for each row execute function touch_{table}();\n"
            f"create view {table}_open as select id, name, price from {table} where state = 'open';\n",
            down=f"drop view {table}_open;\ndrop trigger {table}_touch on {table};\ndrop function touch_{table}();\n",
        ),
    )


def pairs(count: int) -> Iterator[tuple[str, Pair]]:
    """Yield ``count`` migrations with their ids, in order."""
    for number in range(count):
        pair = _table(number // 6)[number % 6]
        day, minute = divmod(number, 24 * 60)
        yield f"202501{day + 1:02d}_{minute // 60:02d}{minute % 60:02d}__{pair.name}", pair


def write(root: Path, count: int) -> list[Path]:
    """Write the migrations of a repository and return the up files, in order."""
    directory = root / "migrations" / "db"
    directory.mkdir(parents=True)
    ups = []
    for number, (name, pair) in enumerate(pairs(count), start=1):
        header = AUTOCOMMIT if pair.autocommit else HEADER
        up = directory / f"{name}.up.sql"
        up.write_text(header.format(id=name, number=number) + pair.up)
        (directory / f"{name}.down.sql").write_text(pair.down)
        ups.append(up)
    return ups
