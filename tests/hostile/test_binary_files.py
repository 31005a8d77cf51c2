"""Files that are no text reach the rules about forbidden content, wherever they lie among the migrations."""

from __future__ import annotations

import gzip
import io
import json
import sqlite3
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.hostile.conftest import BASE, BASE_DOWN, FIRST, ROOT, PullRequest, migration

LATIN = "insert into t values ('caf\u00e9');\n".encode("latin-1")


def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("rows.csv", "1,2,3")
    return buffer.getvalue()


def _sqlite() -> bytes:
    with sqlite3.connect(":memory:") as connection:
        connection.execute("create table t (a int)")
        return connection.serialize()


CONTENTS: dict[str, tuple[str, bytes]] = {
    "program of this machine": ("executable", Path(sys.executable).resolve().read_bytes()[:4096]),
    "Windows program": ("executable", b"MZ\x90\x00\x03\x00\x00\x00" + bytes(56) + b"PE\0\0"),
    "macOS program": ("executable", b"\xcf\xfa\xed\xfe\x07\x00\x00\x01"),
    "Java class": ("executable", b"\xca\xfe\xba\xbe\x00\x00\x00\x34"),
    "WebAssembly": ("executable", b"\x00asm\x01\x00\x00\x00"),
    "script": ("executable", b"#!/bin/sh\npsql -c 'drop table orders'\n"),
    "script with bytes": ("executable", b"#!/bin/sh\n\xff\xfe\0\n"),
    "zip": ("binary", _zip()),
    "gzip": ("binary", gzip.compress(b"select 1;" * 99)),
    "bzip2": ("binary", b"BZh91AY&SY\x00\x01"),
    "xz": ("binary", b"\xfd7zXZ\x00\x00\x04\xe6\xd6"),
    "zstd": ("binary", b"\x28\xb5\x2f\xfd\x04\x00\x01\x00"),
    "custom-format dump": ("binary", b"PGDMP\x01\x0e\x00\x04\x08\x01\x01\x01\x00\x00\x00\x00"),
    "SQLite": ("binary", _sqlite()),
    "tar": ("binary", b"a.sql".ljust(257, b"\0") + b"ustar\x0000" + bytes(248)),
    "UTF-16": ("binary", "drop table orders;".encode("utf-16")),
    "UTF-16 without a mark": ("binary", "drop table orders;".encode("utf-16-le")),
    "text with a NUL": ("binary", b"select 1;\0drop table orders;\n"),
    "PDF": ("binary", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"),
    "dump as text with bytes": ("dump", b"--\n-- PostgreSQL database dump\n--\nselect '\xff';\n"),
}

SQL = "create table orders (id bigint);\n"
LAYOUTS: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "kfm": (
        migration(FIRST, BASE, BASE_DOWN),
        (
            "migrations/db/20240301000000__x.up.sql",
            "migrations/db/x.bin",
            "migrations/db/meta/x",
            "migrations/db/x.sql",
        ),
    ),
    "flyway": (
        {"db/migration/V1.1__a.sql": SQL},
        ("db/migration/V2.1__b.sql", "db/migration/tool.exe", "db/migration/sub/README"),
    ),
    "golang-migrate": (
        {"db/migrations/1_a.up.sql": SQL, "db/migrations/1_a.down.sql": "drop table orders;\n"},
        ("db/migrations/2_b.up.sql", "db/migrations/run", "db/migrations/.hidden"),
    ),
    "alembic": (
        {
            "alembic.ini": "[alembic]\nscript_location = alembic\n",
            "alembic/env.py": "",
            "alembic/versions/1_a.py": "revision = '1'\ndown_revision = None\ndef upgrade():\n    pass\n",
        },
        ("alembic/versions/dump.sql", "alembic/versions/data/x"),
    ),
}
PLACES = {f"{name} {path.rpartition('/')[2]}": (files, path) for name, (files, new) in LAYOUTS.items() for path in new}


def _errors(pull_request: PullRequest) -> tuple[int, dict[str, set[str]]]:
    command = [sys.executable, "-m", "kfm_ci", "check", str(pull_request.root), "--base", "main"]
    done = subprocess.run(
        [*command, "--out", str(pull_request.out)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    errors: dict[str, set[str]] = {}
    for item in json.loads((pull_request.out / "findings.json").read_text()):
        if item["severity"] == "error":
            errors.setdefault(item["rule"], set()).add(item["file"])
    return done.returncode, errors


@pytest.mark.parametrize("kind", CONTENTS)
@pytest.mark.parametrize("place", PLACES)
def test_a_file_that_is_no_text_is_reported(pull_request: PullRequest, kind: str, place: str) -> None:
    (files, path), (rule, content) = PLACES[place], CONTENTS[kind]
    if rule == "dump" and not path.endswith(".sql"):
        pytest.skip("the tool reads no such file")
    pull_request.write(files)
    pull_request.commit()
    pull_request.write({path: content})
    code, errors = _errors(pull_request)
    assert code == 1 and path in errors.get(rule, set()), errors


@pytest.mark.parametrize("place", PLACES)
def test_a_file_that_is_no_text_is_reported_only_when_it_is_new(pull_request: PullRequest, place: str) -> None:
    files, path = PLACES[place]
    pull_request.write({**files, path: _zip()})
    pull_request.commit()
    _, errors = _errors(pull_request)
    assert not {"binary", "executable", "dump"} & set(errors), errors


HARMLESS = {
    "text of another encoding": ("db/migration/NOTES.txt", LATIN),
    "documentation": ("db/migration/README.md", "caf\u00e9".encode()),
    "file manager": ("db/migration/.DS_Store", b"\0\0\0\1Bud1"),
    "image of the documentation": ("docs/erd.png", b"\x89PNG\r\n\x1a\n\0\0"),
    "program elsewhere": ("bin/tool", b"\x7fELF\x02\x01\x01\x00"),
    "wrapper of a build": ("gradle/wrapper/gradle-wrapper.jar", _zip()),
}


@pytest.mark.parametrize(("path", "content"), HARMLESS.values(), ids=HARMLESS)
def test_harmless_files_are_not_reported(pull_request: PullRequest, path: str, content: bytes) -> None:
    pull_request.write({"db/migration/V1.1__a.sql": SQL})
    pull_request.commit()
    pull_request.write({path: content})
    code, errors = _errors(pull_request)
    assert code == 0 and not errors


@pytest.mark.parametrize("name", ["V2.1__b.sql", "b.bin"])
def test_a_file_too_large_to_read_is_reported(pull_request: PullRequest, name: str) -> None:
    pull_request.write({"db/migration/V1.1__a.sql": SQL})
    pull_request.commit()
    with (pull_request.root / "db/migration" / name).open("wb") as file:
        file.truncate(65 * 1_048_576)
    code, errors = _errors(pull_request)
    assert code == 1 and "unreadable-file" in errors
