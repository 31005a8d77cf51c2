"""The rollback stage as a release engineer meets it: proven ways back, their locks, and commands that really work."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from kfm_ci.model import Digest, Mode
from kfm_ci.postgres import catalog, ledger, run_script
from kfm_ci.postgres.engines import installations
from kfm_ci.postgres.engines.base import Server
from kfm_ci.postgres.ledger import Entry
from kfm_ci.sql.script import Script, SourceFile
from tests.integration.test_gate import HEADER, Repository, repository

__all__ = ["repository"]

BASE = (
    "create table widgets (id bigint primary key, name text);\ninsert into widgets values (1, 'a');",
    "drop table widgets;",
)
RUNBOOK = (
    "# Trigger\n\n# Steps\n\n```sql drill\nalter table widgets drop column colour;\n```\n\n# Verification\n\n# Owner\n"
)


def rollback_of(report: dict, number: int = 1) -> dict:
    return report["migrations"][number]["rollback"]


def declare(repository: Repository, id: str, up: str, strategy: str, key: str = "") -> None:
    header = HEADER.format(id=id, risk="low", rollout="safe").replace("rollback: down", f"rollback: {strategy}{key}")
    (repository.directory / f"{id}.up.sql").write_text(header + up + "\n")


def test_a_runbooks_drill_blocks_prove_the_manual_way_back(repository: Repository) -> None:
    repository.add("20260101_1200__add_widgets", *BASE)
    repository.commit()
    declare(
        repository,
        "20260102_1200__colour",
        "alter table widgets add column colour text;",
        "manual",
        "\n-- runbook: docs/colour.md",
    )
    book = repository.root / "docs" / "colour.md"
    book.parent.mkdir()
    book.write_text(RUNBOOK)
    code, report = repository.gate("--base", "main")
    assert code == 0, report["findings"]
    assert (rollback_of(report)["strategy"], rollback_of(report)["proof"]) == ("manual", "proven")
    book.write_text(RUNBOOK.replace("# Owner", "").replace("colour;", "color;"))
    code, report = repository.gate("--base", "main")
    assert code == 1
    assert {(item["rule"], item["file"]) for item in report["findings"] if item["severity"] == "error"} >= {
        ("rollback-failed", "docs/colour.md")
    }
    assert any("no section owner" in item["message"] for item in report["findings"])


def test_a_compensating_migration_is_applied_on_top_and_must_restore_the_schema(repository: Repository) -> None:
    repository.add("20260101_1200__add_widgets", *BASE)
    repository.commit()
    key = "\n-- compensated-by: 20260103_1200__drop_colour"
    declare(repository, "20260102_1200__colour", "alter table widgets add column colour text;", "compensating", key)
    repository.add(
        "20260103_1200__drop_colour",
        "alter table widgets drop column colour;",
        "alter table widgets add column colour text;",
    )
    _, report = repository.gate("--base", "main")
    assert (rollback_of(report)["strategy"], rollback_of(report)["proof"]) == ("compensating", "proven")
    up = "alter table widgets add column colour text; create table extra (id int);"
    declare(repository, "20260102_1200__colour", up, "compensating", key)
    _, report = repository.gate("--base", "main")
    assert rollback_of(report)["proof"] == "failed"
    (repository.root / "kfm-ci.toml").write_text('[policy]\ncompensation-exceptions = ["* public.extra*"]\n')
    repository.commit("kfm-ci.toml")
    _, report = repository.gate("--base", "main")
    assert rollback_of(report)["proof"] == "proven"


def test_the_comment_shows_what_the_down_locks_what_it_loses_and_how_to_run_it(repository: Repository) -> None:
    repository.add("20260101_1200__add_widgets", *BASE)
    repository.commit()
    repository.add(
        "20260102_1200__colour",
        "alter table widgets add column colour text;",
        "alter table widgets drop column colour;",
    )
    code, _ = repository.gate("--base", "main")
    assert code == 0
    comment = (repository.root.parent / "out" / "comment.md").read_text()
    section = comment[comment.index("<summary>Rollback") :]
    assert "down, proven" in section
    assert "rolling back loses public.widgets.colour for rows written since" in section
    assert "| `public.widgets` | AccessExclusiveLock | blocks reads and writes |" in section
    assert "  --file migrations/db/20260102_1200__colour.down.sql \\\n  --command" in section
    assert "delete from kfm_ci.ledger where version = " in section
    assert "the failed file changed nothing" in section


def scripted(root: Path, name: str) -> Script:
    data = (root / "migrations/db" / name).read_bytes()
    return Script(file=SourceFile(path=name, data=data, text=data.decode(), sha256=Digest.of(data)), text=data.decode())


def state(connection: psycopg.Connection[Any], recorded: bool) -> tuple[Any, ...]:
    schema = catalog.read(connection)
    if not recorded:
        return (schema,)
    return schema, ledger.applied_versions(connection), connection.execute("select * from kfm_ci.head").fetchall()


@pytest.mark.parametrize("recorded", [True, False], ids=["with a ledger", "applied by other means"])
def test_the_commands_of_the_comment_take_the_schema_and_the_ledger_back(
    repository: Repository, server: Server, recorded: bool
) -> None:
    names = ["20260101_1200__add_widgets", "20260102_1200__colour", "20260103_1200__index"]
    repository.add(names[0], *BASE)
    repository.commit()
    repository.add(names[1], "alter table widgets add column colour text;", "alter table widgets drop column colour;")
    repository.add(
        names[2],
        "create index concurrently widgets_colour on widgets (colour);",
        "drop index concurrently widgets_colour;",
    )
    repository.gate("--base", "main", "--postgres-version", str(server.major))
    comment = (repository.root.parent / "out" / "comment.md").read_text()
    commands = comment[comment.index("```sh\n") + 6 :].partition("```")[0]
    assert [line.split()[1] for line in commands.splitlines() if line.startswith("#")] == [
        f"{names[2]}:",
        f"{names[1]}:",
    ]
    bindir = next((item.bindir for item in installations.find() if (item.bindir / "psql").exists()), None)
    if bindir is None:
        pytest.skip("no psql on this machine")
    database = server.create_database("taken_back")
    with psycopg.connect(server.dsn(database), autocommit=True) as connection:
        if recorded:
            ledger.create(connection)
        states = []
        for name in names:
            states.append(state(connection, recorded))
            entry = Entry(
                version=name, name=name, sha256=Digest.of(b""), mode=Mode.TRANSACTION, run_id="r", git_commit="c"
            )
            up = scripted(repository.root, f"{name}.up.sql")
            assert run_script.apply(connection, up, entry if recorded else None).error is None
        environment = {**os.environ, "DATABASE_URL": server.dsn(database), "PATH": f"{bindir}:{os.environ['PATH']}"}
        done = subprocess.run(
            ["bash", "-ec", commands], cwd=repository.root, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert state(connection, recorded) == states[1]


def test_a_way_back_runs_as_the_owner_whom_production_has(repository: Repository) -> None:
    repository.add("20260101_1200__add_widgets", *BASE)
    repository.commit()
    up = "create function one() returns int language sql as 'select 1';"
    repository.add("20260102_1200__one", up, "set session authorization default;\nalter system reset work_mem;")
    code, report = repository.gate("--base", "main")
    (found,) = [item for item in report["findings"] if item["rule"] == "rollback-failed"]
    assert code == 1 and rollback_of(report)["proof"] == "failed"
    assert found["file"].endswith("20260102_1200__one.down.sql") and found["line"] == 2
    assert "permission denied" in found["message"]


def test_an_empty_down_is_one_finding_at_its_file_and_refuses_only_in_our_own_format(repository: Repository) -> None:
    repository.add("20260101_1200__add_widgets", *BASE)
    repository.commit()
    repository.add("20260102_1200__colour", "alter table widgets add colour text;", "-- nothing")
    code, report = repository.gate("--base", "main")
    found = [item for item in report["findings"] if item["hazard"].startswith("rollback-")]
    assert [(item["rule"], item["severity"]) for item in found] == [("rollback-missing", "error")] and code == 1
    assert "has no statement" in found[0]["message"]
    for number, text in (
        ("1", ("create table w (id int);", "drop table w;")),
        ("2", ("create table c (id int);", "-- no")),
    ):
        for kind, sql in zip(("up", "down"), text, strict=True):
            (repository.directory / f"00000{number}_x.{kind}.sql").write_text(sql)
    for file in repository.directory.glob("2026*"):
        file.unlink()
    code, report = repository.gate("--base", "none", "--format", "golang-migrate")
    found = [item for item in report["findings"] if item["hazard"].startswith("rollback-")]
    assert [(item["rule"], item["severity"]) for item in found] == [("rollback-missing", "warning")] and code == 0
    assert (
        found[0]["file"].endswith("000002_x.down.sql") and "has no statement and reverts nothing" in found[0]["message"]
    )


def test_a_ledger_filled_at_once_is_the_one_that_grew_row_by_row(server):
    entries = [
        Entry(
            version=f"v{number}",
            name="n",
            sha256=Digest.of(bytes([number])),
            mode=Mode.TRANSACTION,
            run_id="r",
            git_commit="c",
        )
        for number in range(3)
    ]
    found = []
    for way in ("at once", "row by row"):
        name = server.create_database("ledger_filled")
        with psycopg.connect(server.dsn(name, admin=True), autocommit=True) as connection:
            ledger.create(connection)
            if way == "at once":
                ledger.fill(connection, entries)
                with pytest.raises(ledger.LostLedger):
                    ledger.fill(connection, [replace(entries[0], version="v3")])
            for entry in entries if way == "row by row" else ():
                ledger.record(connection, entry)
            found.append(
                [
                    connection.execute(
                        "select position, version, sha256, chain, mode, state from kfm_ci.ledger order by 1"
                    ).fetchall(),
                    connection.execute("select * from kfm_ci.head").fetchall(),
                    ledger.applied_versions(connection),
                ]
            )
        server.drop_database(name)
    assert found[0] == found[1] and found[0][2] == ("v0", "v1", "v2")


@pytest.mark.parametrize(
    ("up", "down", "told"),
    [
        ("alter table widgets add column colour text;", "alter table widgets drop column colour;", False),
        ("update secrets set name = 'b' where id = 1;", "update secrets set name = 'a' where id = 1;", True),
    ],
    ids=["elsewhere", "there"],
)
def test_rows_that_nobody_may_read_are_in_question_only_where_the_migration_came_near_them(
    repository: Repository, up: str, down: str, told: bool
) -> None:
    secret = (
        "create table secrets (id bigint primary key, name text); alter table secrets enable row level security; "
        "alter table secrets force row level security; create policy p on secrets using (id > 9);"
    )
    repository.add("20260101_1200__add_widgets", f"{BASE[0]}\n{secret}", f"{BASE[1]}\ndrop table secrets;")
    repository.commit()
    repository.add("20260102_1200__more", up, down)
    _, report = repository.gate("--base", "main")
    found = [item for item in report["findings"] if item["rule"] == "rollback-data-not-compared"]
    assert bool(found) is told, report["findings"]
    assert rollback_of(report)["proof"] == ("not-run" if told else "proven")


def test_a_rename_is_proven_whatever_the_way_back_above_it_left_on_the_renamed(repository: Repository) -> None:
    repository.add("20260101_1200__add_widgets", *BASE)
    repository.commit()
    names = ["20260102_1200__rename", "20260103_1200__default", "20260104_1200__index"]
    repository.add(names[0], "alter table widgets rename to gadgets;", "alter table gadgets rename to widgets;")
    leaves = "alter table gadgets alter name set default 'b';"
    repository.add(names[1], "alter table gadgets alter name set default 'a';", leaves)
    repository.add(names[2], "create index gadgets_name on gadgets (name);", "drop index gadgets_name;")
    _, report = repository.gate("--base", "main")
    proofs = {item["id"]: item["rollback"]["proof"] for item in report["migrations"] if item["new"]}
    assert proofs == dict(zip(names, ("proven", "failed", "proven"), strict=True))
    told = [
        item for item in report["findings"] if item["hazard"] == "rollback-unproven" and item["severity"] == "error"
    ]
    assert [(item["rule"], item["migration"]) for item in told] == [("rollback-schema-differs", names[1])]
