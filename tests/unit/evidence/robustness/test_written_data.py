"""The migration that a difference is reported for."""

from __future__ import annotations

import pytest

from kfm_ci.evidence.robustness.written_data import find_cause
from kfm_ci.migrations.model import Migration
from kfm_ci.model import Digest
from kfm_ci.sql.script import Script, SourceFile


def pair(name: str, text: str) -> tuple[Migration, Script]:
    file = SourceFile(path=f"m/{name}.sql", data=text.encode(), text=text, sha256=Digest.of(text.encode()))
    script = Script(file=file, text=text)
    return Migration(id=name, version=name, sort_key=(name,), name=name, up=script), script


PAIRS = (
    pair("1", "create table field (live_from date); insert into field (live_from) values (now());"),
    pair("2", "create table access_field (live_from date);"),
    pair("3", "insert into other select * from field;"),
    pair("4", "select 1;"),
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("public.field.live_from", "1"),
        ("public.access_field.live_from", "2"),
        ("public.field.made", "3"),
        ("public.gone.live_from", "2"),
        ("table public.other", "3"),
        ("function public.f(integer)", "4"),
        ('public."Field".x', "3"),
    ],
)
def test_a_difference_is_reported_for_the_last_migration_that_names_all_of_it(name: str, expected: str) -> None:
    assert find_cause(PAIRS, [name])[0].id == expected
