"""Sizes taken from a server, written, read back, and what they make of a verdict."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from kfm_ci.errors import CannotCheck, UsageError
from kfm_ci.evidence.table_statistics import model, query

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 1, 1, tzinfo=UTC)
SCHEMA = """
create table widgets (id int primary key, name text);
create index on widgets (name);
insert into widgets select i, 'w' || i from generate_series(1, 3000) i;
create table "Odd Name" (id int);
create table parted (id int) partition by range (id);
create table parted_1 partition of parted for values from (0) to (100);
create table parted_2 partition of parted for values from (100) to (300);
insert into parted select generate_series(0, 299);
create temporary table passing (id int);
analyze;
"""


def test_sizes_are_the_servers_estimates_and_partitions_add_up(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(SCHEMA)
    found = {item.name: item for item in query.read(database, environment="e", now=NOW).tables}
    assert set(found) == {"public.widgets", 'public."Odd Name"', "public.parted", "public.parted_1", "public.parted_2"}
    widgets = found["public.widgets"]
    assert (widgets.rows, widgets.indexes) == (3000, 2)
    assert widgets.bytes > 50_000 and widgets.index_bytes > 50_000
    assert widgets.writes_per_second is not None and widgets.reads_per_second is not None
    assert found["public.parted"].rows == 300
    assert found["public.parted"].bytes == found["public.parted_1"].bytes + found["public.parted_2"].bytes


def test_a_table_that_was_never_analysed_has_no_known_rows_unless_it_is_empty(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("create table empty (id int)")
    (found,) = query.read(database, environment="e", now=NOW).tables
    assert found.rows == 0


def test_what_is_written_reads_back_equal(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(SCHEMA)
    taken = query.read(database, environment="e", now=NOW)
    text = model.dumps(taken)
    again = model.parse(text.encode(), where="s.json")
    assert {item.name: item for item in again.tables} == {item.name: item for item in taken.tables}
    assert all(
        sum(f'"{name}"' in line for line in text.splitlines()) == 1 for name in ("public.widgets", "public.parted")
    )


def test_a_server_that_does_not_answer_is_named_without_its_url() -> None:
    with pytest.raises(CannotCheck) as caught:
        query.read("host=127.0.0.1 port=1 password=hunter2", environment="staging", now=NOW)
    assert "staging" in str(caught.value) and "hunter2" not in str(caught.value)


@pytest.mark.parametrize("data", [b"", b"[]", b'{"schema": "other"}', b'{"schema": "kfm-ci/statistics/v1", "rows": 1}'])
def test_a_file_that_is_no_statistics_is_refused_with_its_name(data: bytes) -> None:
    with pytest.raises(UsageError, match=r"sizes\.json"):
        model.parse(data, where="sizes.json")


def test_the_command_writes_the_file_that_the_gate_reads(database: str, tmp_path: Path) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(SCHEMA)
    (tmp_path / "kfm-ci.toml").write_text('[environments.staging]\ndatabase-url-env = "STAGING"\n')
    command = [
        sys.executable,
        "-m",
        "kfm_ci",
        "stats",
        str(tmp_path),
        "--environment",
        "staging",
        "--to",
        str(tmp_path / "s.json"),
    ]
    unset = subprocess.run(
        command,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert unset.returncode == 2 and "KFM-U83" in unset.stderr and "STAGING" in unset.stderr
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "STAGING": database},
    )
    assert done.returncode == 0, done.stderr
    assert model.parse((tmp_path / "s.json").read_bytes(), where="s").environment == "staging"
