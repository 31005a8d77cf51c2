"""The examples of rules of reading, read by their formats: bad is found, good is not; each with its own rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from kfm_ci.config import MigrationsTable
from kfm_ci.migrations import detection
from kfm_ci.migrations.model import Unreadable
from kfm_ci.migrations.problems import READING_RULES
from kfm_ci.model import Hazard, Severity
from kfm_ci.rule_info import ReadingExample, RuleInfo


class Held:
    def __init__(self, files: Mapping[str, str]) -> None:
        self.files = files

    def paths(self, directory: str) -> Iterator[str]:
        return iter(sorted(path for path in self.files if path.startswith(f"{directory}/") or directory == "."))

    def read(self, path: str) -> bytes:
        if self.files.get(path, "<link to nothing>") == "<link to nothing>":
            raise Unreadable("No such file or directory")
        return self.files[path].encode("utf-8", "surrogateescape")

    def exists(self, path: str) -> bool:
        return path in self.files


def read(example: ReadingExample, files: Mapping[str, str]) -> list[tuple[str, Hazard, Severity]]:
    tree = Held({**example.files, **files})
    found = detection.locate(tree, directory="m", format=example.format)
    return [
        (item.rule, item.hazard, item.severity)
        for item in found.format.load(tree, found.directory, MigrationsTable()).findings
    ]


@pytest.mark.parametrize("rule", READING_RULES, ids=lambda rule: rule.id)
def test_the_bad_example_is_found_and_the_good_one_is_quiet(rule: RuleInfo) -> None:
    example = rule.reading_example
    assert example is not None
    assert (rule.id, rule.hazard, rule.severities[0]) in read(example, example.breaks)
    assert read(example, example.keeps) == []
