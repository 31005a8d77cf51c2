"""Engines: servers that start fast, keep strangers out, and are gone afterwards."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from kfm_ci.errors import CannotCheck, UsageError
from kfm_ci.postgres.engines import installations
from kfm_ci.postgres.engines.base import ADMIN, Server
from kfm_ci.postgres.engines.embedded import EmbeddedEngine
from kfm_ci.postgres.engines.installations import Installation
from kfm_ci.postgres.engines.service import ServiceEngine


def home_of(server: Server) -> Path:
    return Path(str(conninfo_to_dict(server.conninfo)["host"]))


def test_the_owner_cannot_become_administrator(server: Server) -> None:
    name = server.create_database("closed")
    with psycopg.connect(server.dsn(name)) as connection:
        row = connection.execute(
            "select rolsuper, rolcreaterole, rolcreatedb from pg_roles where rolname = current_user"
        ).fetchone()
    assert row == (False, False, False)
    for password in ("", "wrong"):
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(make_conninfo(server.dsn(name), user=ADMIN, password=password))


def test_nothing_is_left_after_an_exception() -> None:
    with pytest.raises(RuntimeError), EmbeddedEngine().start() as server:
        home = home_of(server)
        assert home.exists()
        raise RuntimeError
    assert not home.exists()


def test_what_a_killed_run_left_is_reaped_by_the_next() -> None:
    script = (
        "import sys,time;from kfm_ci.postgres.engines.embedded import EmbeddedEngine\n"
        "with EmbeddedEngine().start() as s: print(s.conninfo, flush=True); time.sleep(60)"
    )
    child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    home = Path(str(conninfo_to_dict(child.stdout.readline().strip())["host"]))
    pid = int((home / "data" / "postmaster.pid").read_text().splitlines()[0])
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()
    with EmbeddedEngine().start():
        assert not home.exists()
    deadline = time.monotonic() + 5
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        if " Z " in Path(f"/proc/{pid}/stat").read_text():
            break
        time.sleep(0.05)
    else:
        assert not Path(f"/proc/{pid}").exists()


def test_an_absent_version_is_named_with_what_is_there() -> None:
    with pytest.raises(CannotCheck) as raised:
        installations.choose(9, installations.find())
    assert "PostgreSQL 9" in str(raised.value) and str(installations.find()[0].version) in str(raised.value)


def offering(root: Path, version: str, *extensions: str) -> Installation:
    folder = root / version / "share" / "extension"
    folder.mkdir(parents=True)
    for name in extensions:
        (folder / f"{name}.control").touch()
    return Installation(bindir=root / version / "bin", version=version, source="test")


def test_of_several_servers_the_newest_with_what_the_migrations_make_is_taken(tmp_path: Path) -> None:
    new, old = offering(tmp_path, "918.1", "plpgsql"), offering(tmp_path, "915.1", "plpgsql", "uuid-ossp")
    assert installations.choose(None, (new, old), made=("uuid-ossp",)) == old
    assert installations.choose(None, (new, old), made=("plpgsql",)) == new
    assert installations.choose(None, (new, old), made=("nothing-has-it",)) == new
    assert installations.choose(918, (new, old), made=("uuid-ossp",)) == new


def test_a_service_is_used_when_empty_and_left_as_it_was(server: Server) -> None:
    name = server.create_database("service")
    with ServiceEngine(url=server.dsn(name, admin=True)).start() as service:
        ours = service.create_database("base")
        with psycopg.connect(service.dsn(ours), autocommit=True) as connection:
            connection.execute("create table t (a int)")
    with psycopg.connect(server.dsn(name, admin=True)) as connection:
        assert connection.execute("select count(*) from pg_database where datname = %s", [ours]).fetchone() == (0,)
        assert connection.execute("select count(*) from pg_roles where rolname = %s", [service.owner]).fetchone() == (
            0,
        )


def test_a_service_with_tables_is_refused(server: Server, database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("create table precious (a int)")
    with pytest.raises(UsageError) as raised, ServiceEngine(url=database).start():
        pass
    assert "not empty" in str(raised.value)


@pytest.fixture
def payroll(server: Server) -> Iterator[str]:
    """A database that is not ours, beside the given one."""
    with psycopg.connect(server.dsn("postgres", admin=True), autocommit=True) as connection:
        connection.execute("create database payroll")
    yield server.dsn("payroll", admin=True)
    server.drop_database("payroll")


@pytest.mark.parametrize(
    "used",
    [
        "create table t (a int)",
        "create view v as select 1",
        "create sequence s",
        "create type address as (street text)",
        "create function f() returns int language sql as 'select 1'",
        "select lo_create(0)",
    ],
)
def test_an_empty_database_beside_a_used_one_is_refused(server: Server, payroll: str, used: str) -> None:
    with psycopg.connect(payroll, autocommit=True) as connection:
        connection.execute(used)
    url = server.dsn(server.create_database("service"), admin=True)
    with pytest.raises(UsageError) as raised, ServiceEngine(url=url).start():
        pass
    told = raised.value
    assert (told.code, told.where, told.got) == ("KFM-U21", "payroll", "1 objects")
    with psycopg.connect(payroll) as connection:
        assert connection.execute("select count(*) from pg_roles where rolname like 'kfm_owner_%'").fetchone() == (0,)


def test_a_database_that_cannot_be_looked_into_counts_as_used(server: Server, payroll: str) -> None:
    with psycopg.connect(server.dsn("postgres", admin=True), autocommit=True) as connection:
        connection.execute("create role stranger superuser login password 'p'")
        try:
            connection.execute("alter database payroll connection limit 0")
            connection.execute("alter role stranger nosuperuser createdb createrole")
            url = make_conninfo(
                server.dsn(server.create_database("service"), admin=True), user="stranger", password="p"
            )
            with pytest.raises(UsageError, match="Another database") as raised, ServiceEngine(url=url).start():
                pass
        finally:
            connection.execute("drop role stranger")
    assert raised.value.got == "a database that rejects connections"


def test_a_mark_says_that_all_on_the_server_may_be_lost(server: Server, payroll: str) -> None:
    with psycopg.connect(payroll, autocommit=True) as connection:
        connection.execute("create table t (a int)")
        connection.execute("comment on database payroll is 'kfm-ci throwaway'")
    with ServiceEngine(url=payroll).start() as service:
        service.create_database("base")
    with psycopg.connect(payroll) as connection:
        assert connection.execute("select count(*) from t").fetchone() == (0,)
