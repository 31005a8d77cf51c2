"""Detection never guesses between equals."""

from __future__ import annotations

import pytest

from kfm_ci.errors import UsageError
from kfm_ci.migrations import detection
from kfm_ci.migrations.formats import ALL


class Empty:
    def exists(self, path):
        return False

    def read(self, path):
        return b"-- +goose Up\n-- migrate:up\n"

    def paths(self, directory):
        return iter(["m/1_a.sql"])


def test_two_equally_sure_formats_are_a_question_with_the_line_to_write():
    with pytest.raises(UsageError) as raised:
        detection.locate(Empty(), directory=None, format="auto")
    assert raised.value.code == "KFM-U36" and 'format = "dbmate"' in raised.value.help


def test_every_name_is_known_once():
    assert len({item.name for item in ALL}) == len(ALL)


class Held(Empty):
    def __init__(self, *paths):
        self._paths = sorted(paths)

    def exists(self, path):
        return path in self._paths

    def paths(self, directory):
        return iter(self._paths)


KNEX, ALEMBIC = ("knexfile.js", "migrations/20260101_a.js"), ("migrations/env.py", "migrations/versions/a.py")


def test_a_second_tool_below_the_first_is_a_question_and_no_part_of_it():
    with pytest.raises(UsageError) as raised:
        detection.locate(Held(*KNEX, *ALEMBIC), directory=None, format="auto")
    assert raised.value.code == "KFM-U32" and "(knex) and migrations/versions (alembic)" in raised.value.message


@pytest.mark.parametrize(("paths", "format"), [(KNEX, "knex"), (ALEMBIC, "alembic")])
def test_one_tool_alone_is_found(paths, format):
    assert detection.locate(Held(*paths), directory=None, format="auto").format.name == format
