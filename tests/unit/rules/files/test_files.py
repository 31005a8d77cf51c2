"""Dumps, binaries, programs, sizes, stray files, foreign comments."""

from __future__ import annotations

import pytest

from kfm_ci.analysis.change import Change, Requirements
from kfm_ci.config import MigrationsTable
from kfm_ci.migrations.formats.prisma import Prisma
from kfm_ci.model import Severity
from kfm_ci.rules.content.binary import Binary, binary_kind
from kfm_ci.rules.content.dump import Dump
from kfm_ci.rules.content.executable import Executable
from kfm_ci.rules.content.oversized_file import OversizedFile
from kfm_ci.rules.files.stray_file import StrayFile
from kfm_ci.rules.suppression.other_tool_ignore_comment import OtherToolIgnoreComment
from tests.unit.conftest import Texts

NOTHING = Requirements(require_header=False, require_traceability=False)
UP = "20260225_1200__add_widgets_table.up.sql"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("--\n-- PostgreSQL database dump\n--\n", "header of a database dump"),
        ("COPY t (a) FROM stdin;\n1\n2\n\\.\n", "2 rows"),
        ("insert into t values " + ",".join(["(1, (2))"] * 1001) + ";", "inserts 1001 rows"),
        ("insert into t values (1);\n" * 1001, "inserts 1001 rows"),
    ],
)
def test_a_dump_is_known_by_its_marks(judge_text, text, says):
    (found,) = judge_text(Dump(), text)
    assert says in found.message


@pytest.mark.parametrize(
    "text",
    [
        "insert into t values " + ",".join(["(f(1))"] * 1000) + ";",
        "copy t to stdout;",
        "copy t from stdin;\n\\.\n",
        "select 'PostgreSQL database dump';",
        "-- copy the rows later from stdin\nselect 1;",
        "select " + "f(" * 600 + "1" + ")" * 600,
    ],
)
def test_small_reference_data_is_no_dump(judge_text, text):
    assert judge_text(Dump(), text) == []


@pytest.mark.parametrize(
    "data",
    [
        b"PK\x03\x04rest",
        b"\x1f\x8b\x08",
        b"PGDMP\x01\x0e",
        b"select 1;\0",
        "select 1;".encode("utf-16"),
        b"%PDF-1.7",
        b"\0" * 300,
    ],
)
def test_what_is_no_text_is_refused_whatever_its_name(judge_text, data):
    (found,) = judge_text(Binary(), data)
    assert found.place.file.endswith(".sql")


@pytest.mark.parametrize("text", ["select 'é 漢字';", "PAR1 is text", "BZh is text too", "", "\ufeffselect 1;"])
def test_text_is_text(text):
    assert binary_kind(text.encode()) is None


@pytest.mark.parametrize(
    "data", [b"#!/bin/sh\n", b"\xef\xbb\xbf#!/usr/bin/env python3\n", b"\x7fELF\x02\x01", b"MZ\x90\0\x03\0"]
)
def test_programs_are_refused_once(judge, data):
    assert len(judge(Executable(), {"tool.sql": data})) == 1
    assert judge(Binary(), {"tool.sql": data}) == []


@pytest.mark.parametrize("text", ["MZ is no program", "-- #!/bin/sh\nselect 1;", "select '#!';"])
def test_text_about_programs_passes(judge_text, text):
    assert judge_text(Executable(), text) == []


def test_the_size_limit_is_the_policys(judge_text):
    ten = Requirements(require_header=False, require_traceability=False, max_file_size=10)
    assert judge_text(OversizedFile(), "select 1;", requirements=ten, format="goose")[1:] == []
    (found, _) = judge_text(OversizedFile(), "select 11;\n", requirements=ten)
    assert "expected at most 10 bytes, got 11" in found.message


@pytest.mark.parametrize(
    "name", ["hotfix.sql", "fix/prod.sql", "run.sh", "data.csv", "notes.txt", "20260225_1200__x.sql.bak"]
)
def test_a_stray_file_is_refused_in_the_house_format_and_a_warning_elsewhere(judge, name):
    (found,) = judge(StrayFile(), {name: "select 1;"})
    assert found.severity is Severity.ERROR
    (mild,) = judge(StrayFile(), {name: "select 1;"}, format="dbmate")
    assert mild.severity is Severity.WARNING


@pytest.mark.parametrize(
    "name", ["README.md", "README", "docs/why.md", "meta/manifest.json", ".gitkeep", ".gitattributes", "atlas.sum", UP]
)
def test_documentation_and_metadata_are_welcome(judge, name):
    assert judge(StrayFile(), {name: "select 1;"}) == []


def test_what_helps_a_program_beside_a_migration_of_prisma_is_no_stray_file():
    names = (
        "a/migration.sql",
        "a/data-migration.ts",
        "a/utils.ts",
        "a/hotfix.sql",
        "b/migration.sql",
        "b/a.test.ts",
        "b/notes.txt",
    )
    tree = Texts({f"m/{name}": b"select 1;" for name in names})
    read = Prisma().load(tree, "m", MigrationsTable())
    change = Change(head=read, base=None, merge_base=None, new=read.migrations, tree=tree, requirements=NOTHING)
    assert sorted(item.place.file for item in StrayFile().check(change)) == ["m/a/hotfix.sql", "m/b/notes.txt"]


def test_a_stray_file_that_the_base_has_is_history(judge):
    assert judge(StrayFile(), {"hotfix.sql": "select 1;"}, {"hotfix.sql": "select 1;"}) == []


@pytest.mark.parametrize(
    "comment",
    ["squawk-ignore x", "squawk-ignore-file", "atlas:nolint", "eugene: ignore E2", "pgfence-ignore", "safety_assured"],
)
def test_ignore_comments_of_other_tools_are_listed_as_notes(judge_text, comment):
    (found,) = judge_text(OtherToolIgnoreComment(), f"select 1;\n\n-- {comment}\nselect 2;\n")
    assert (found.place.line, found.severity) == (3, Severity.NOTE)


def test_our_own_comment_is_none(judge_text):
    assert judge_text(OtherToolIgnoreComment(), '-- kfm:allow blocks-writes reason="small table"\nselect 1;') == []
