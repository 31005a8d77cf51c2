"""What another program fills in: read around, or given its value."""

from __future__ import annotations

import tomllib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kfm_ci.migrations import placeholders
from kfm_ci.migrations.model import History, Migration
from kfm_ci.model import Digest
from kfm_ci.sql.script import Script, SourceFile

SQL = 'create table {{ index .Options "Namespace" }}.t (a int);\nselect 1;\n'


def history(up: str, down: str | None = None) -> History:
    def script(text: str) -> Script:
        return Script(file=SourceFile(path="m/1.sql", data=text.encode(), text=text, sha256=Digest.of(b"")), text=text)

    migration = Migration(id="1", version="1", sort_key=(1,), name="one", up=script(up))
    return History(format="plain", directory="m", migrations=(replace(migration, down=script(down) if down else None),))


@pytest.mark.parametrize(
    "name",
    ['{{ index .Options "Namespace" }}', '{{index .Options "Namespace"}}', 'index .Options "Namespace"'],
)
def test_a_value_is_put_in_however_the_placeholder_is_named(name: str) -> None:
    (filled,) = placeholders.put(history(SQL, SQL.replace("create", "drop")), {name: "auth"}).migrations
    assert filled.up.text == "create table auth.t (a int);\nselect 1;\n"
    assert filled.down is not None and "auth.t" in filled.down.text
    assert filled.up.file.text == SQL


@pytest.mark.parametrize("written", ["${s}", "{{ s }}", "{{- s -}}", "<%= s %>", "%(s)s", "@@s@@", ":s", ":'s'"])
def test_every_kind_of_placeholder_is_known_by_its_bare_name(written: str) -> None:
    name = "'s'" if written == ":'s'" else "s"
    (filled,) = placeholders.put(history(f"drop table {written}.t;"), {name: "auth"}).migrations
    assert filled.up.text == "drop table auth.t;"


def test_what_has_no_value_stays_as_it_is() -> None:
    (filled,) = placeholders.put(history(SQL), {"other": "auth"}).migrations
    assert filled.up.text == SQL


@given(st.text())
def test_reading_around_placeholders_keeps_every_line_and_column(text: str) -> None:
    filled, _ = placeholders.fill(text)
    assert [len(line) for line in filled.split("\n")] == [len(line) for line in text.split("\n")]


@given(st.text(min_size=1))
def test_the_line_to_write_is_one_line_of_valid_toml(name: str) -> None:
    line = placeholders.setting(name)
    table, _, pair = line.partition(" ")
    assert "\n" not in line and len(tomllib.loads(f"{table}\n{pair}")["migrations"]["placeholders"]) == 1
