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
