"""Which files each tool runs: of names that look like a migration, none runs without being read or reported."""

from __future__ import annotations

import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from histories import TOOLS, Address

from kfm_ci.config import MigrationsTable
from kfm_ci.migrations import binary_files, detection
from kfm_ci.migrations.model import files_of
from kfm_ci.migrations.work_tree import WorkTree

UP = {
    "goose": "-- +goose Up\n{0}\n-- +goose Down\nselect 1;\n",
    "dbmate": "-- migrate:up\n{0}\n-- migrate:down\n",
    "sql-migrate": "-- +migrate Up\n{0}\n-- +migrate Down\nselect 1;\n",
    "node-pg-migrate": "-- Up Migration\n{0}\n-- Down Migration\n",
}
"""The text around the SQL of a migration."""
NAMES = {
    "golang-migrate": "0002_b.up.sql",
    "goose": "00002_b.sql",
    "dbmate": "20260102_b.sql",
    "sql-migrate": "0002_b.sql",
    "flyway": "V2.1__b.sql",
    "sqlx": "2_b.sql",
    "diesel": "2026-01-02-000000_b/up.sql",
    "refinery": "V2__b.sql",
    "supabase": "20260102000000_b.sql",
    "prisma": "20260102000000_b/migration.sql",
    "node-pg-migrate": "1700000000002_b.sql",
}
FIRST = {
    "golang-migrate": "0001_a.up.sql",
    "goose": "00001_a.sql",
    "dbmate": "20260101_a.sql",
    "sql-migrate": "0001_a.sql",
    "flyway": "V1.1__a.sql",
    "sqlx": "1_a.sql",
    "diesel": "2026-01-01-000000_a/up.sql",
    "refinery": "V1__a.sql",
    "supabase": "20260101000000_a.sql",
    "prisma": "20260101000000_a/migration.sql",
    "node-pg-migrate": "1700000000001_a.sql",
}
OWN = """
flyway v2.1__b.sql V2_1__b.sql V2.1_b.sql V2.1.sql V2.1__.sql V2.1.__b.sql V.2__b.sql R__b.sql r__b.sql
flyway R_b.sql R__.sql R.sql B2__b.sql U2.1__b.sql afterMigrate.sql afterMigrate__b.sql AfterMigrate.sql
flyway aftermigrate.sql sub/afterMigrate.sql beforeMigrate.sql beforeEachMigrate.sql afterEachMigrate.sql
flyway afterVersioned.sql beforeValidate.sql afterInfo.sql beforeConnect.sql createSchema.sql
flyway afterMigrateError.sql beforeRepeatables.sql afterEachMigrateStatement.sql V2.1__b.java V2.1__b.sh
flyway V2.1__b.py V2.1__b.ps1 V٢__b.sql V+2__b.sql V2__b__c.sql
golang-migrate 2.up.sql 2_.up.sql 0002_b.UP.sql 0002_b.up 0002_b.up.txt 0002_b.up.sql.bak 0002_b.sql
golang-migrate 0002_b.down.up.sql v2_b.up.sql ٢_b.up.sql 0002_b.up.sql.up.txt 0002_b.up.md 0002_b.c.up.sql
goose 00002_b.go 00002.sql 2_b.sql 0_b.sql -2_b.sql 00002_b.up.sql 00002_b.down.sql ٢_b.sql
dbmate 20260102b.sql 20260102.sql b20260102.sql 2_b.up.sql ٢_b.sql
sql-migrate b.sql 0002b.sql zzz.sql 0002_b.down.sql
sqlx 2_b.up.sql 2_.sql 2.sql +2_b.sql -2_b.sql x_b.sql 2_b.c.sql 2_b.up.down.sql 2_b.UP.sql 02_b.sql
diesel b/up.sql 2/up.sql 2026-01-02-000000_b/up.SQL 2026-01-02-000000_b/UP.sql 2026-01-02-000000_b.sql
diesel .b/up.sql a/2026-01-02-000000_b/up.sql _b/up.sql zz/up.sql
refinery U2__b.sql v2__b.sql V2__b-c.sql V2_b.sql V2__b.SQL V02__b.sql V2.1__b.sql |2__b.sql V٢__b.sql
supabase 2_b.sql 20260102000000.sql b.sql 20260102000000_b.up.sql 20260102000000_.sql
prisma b/migration.sql 20260102000000_b/Migration.sql 20260102000000_b/migration.sql/x .b/migration.sql
prisma zz/sub/migration.sql _b/migration.sql
node-pg-migrate 1700000000002_b.up.sql b.sql zz.sql 1700000000002-b.sql 1700000000002_b.SQL
node-pg-migrate 1700000000002_b.psql _b.sql 1700000000002_b.d.sql
"""
"""Further names of each tool, one tool a line."""


def _variants(name: str) -> list[str]:
    folder, _, last = name.rpartition("/")
    below = f"{folder}/" if folder else ""
    stem = name.removesuffix(".sql")
    return [
        name,
        f"{stem}.SQL",
        f"{stem}.Sql",
        f"{stem}.txt",
        stem,
        f"{name}.bak",
        f"{name}~",
        f"{name} ",
        f"{below}.{last}",
        f".{name}",
        f" {name}",
        f"_{name}",
        f"#{name}#",
        f"sub/{name}",
        f"sub/deep/{name}",
        f".sub/{name}",
        f"node_modules/{name}",
        f"__pycache__/{name}",
        f"kfm-ci-out/{name}",
        name.replace("_", "-", 1),
        name.replace("_", " ", 1),
        name.replace("_", "", 1),
        name.replace("b", "é"),
        name.replace("b", "b c"),
        name.upper(),
        name.lower(),
    ]


IGNORED = frozenset({"v2.1__b.sql", "r__b.sql", ".sub/V2.1__b.sql", "\u0662_b.sql", "\u0662_b.up.sql"})
"""Names that look like migrations and that no tool runs."""


@dataclass(frozen=True)
class Case:
    name: str
    link: str = ""
    """``file`` or ``directory``: the path is a link of that kind."""


def cases(tool: str) -> list[Case]:
    name = NAMES[tool]
    own = (line.split()[1:] for line in OWN.splitlines() if line.startswith(f"{tool} "))
    names = dict.fromkeys([*_variants(name), *(item for items in own for item in items)])
    links = [Case(name, "file"), Case(f"sub/{name}", "directory")]
    if "/" in name:
        links.append(Case(name, "directory"))
    return [*(Case(item) for item in names), *links]


def _write(root: Path, tool: str, case: Case) -> None:
    text = UP.get(tool, "{0}\n")
    migrations = root / "m"
    for path, table in ((FIRST[tool], "first"), (case.name, "odd")):
        target = migrations / path
        if case.link and table == "odd":
            top = target if case.link == "file" else migrations / path.split("/")[0]
            real = root / "elsewhere" / target.relative_to(top) if case.link == "directory" else root / "elsewhere"
            top.parent.mkdir(parents=True, exist_ok=True)
            top.symlink_to(root / "elsewhere")
            target = real
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text.format(f"create table {table} (id int);"))
    if tool == "prisma":
        (migrations / "migration_lock.toml").write_text('provider = "postgresql"\n')


def _run(tool, server, root: Path, number: int) -> str:
    database = server.create_database(f"{tool.name}_{number}".replace("-", "_"))
    owner = f"{server.owner}:{server.owner_password}"
    to = Address(
        url=f"postgres://{owner}@127.0.0.1:{server.port}/{database}?sslmode=disable",
        jdbc=f"jdbc:postgresql://127.0.0.1:{server.port}/{database}",
        user=server.owner,
        password=server.owner_password,
        host="127.0.0.1",
        port=str(server.port),
        database=database,
    )
    environment = {**os.environ, **tool.environment, "DATABASE_URL": to.url}
    done = subprocess.run(
        tool.command(root / "m", to),
        cwd=root / "m",
        env=environment,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    with psycopg.connect(server.dsn(database)) as connection:
        has = {name for (name,) in connection.execute("select tablename from pg_tables").fetchall()}
    if "odd" in has:
        return "ran"
    return "ignored" if done.returncode == 0 and "first" in has else f"failed: {(done.stderr or done.stdout)[-200:]}"


def _read(tool: str, root: Path, case: Case) -> tuple[bool, set[str]]:
    """Return whether kfm-ci reads the file as an up migration, and the findings on it."""
    tree = WorkTree(root, tracked=[f"m/{case.name}"])
    history = binary_files.attach(tree, detection.by_name(tool).load(tree, "m", MigrationsTable()))
    path = f"m/{case.name}"
    ups = {file.path for item in history.migrations for file in files_of(item)}
    return path in ups, {f"{item.severity}:{item.rule}" for item in history.findings if item.place.file == path}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("tool", [tool for tool in TOOLS if tool.name in NAMES], ids=lambda tool: tool.name)
def test_no_file_runs_unread(tool, server, tmp_path) -> None:
    if not tool.there:
        pytest.skip(f"{tool.name} is not installed")
    chosen = cases(tool.name)

    def one(number: int) -> tuple[Case, str, bool, set[str]]:
        root = tmp_path / str(number)
        _write(root, tool.name, chosen[number])
        read, findings = _read(tool.name, root, chosen[number])
        outcome = _run(tool, server, root, number)
        shutil.rmtree(root)
        return chosen[number], outcome, read, findings

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(one, range(len(chosen))))
    unread = [
        (case, findings)
        for case, outcome, read, findings in found
        if (outcome == "ran" and not read and not findings) or (outcome == "ignored" and read and case.name in IGNORED)
    ]
    assert not unread, unread
