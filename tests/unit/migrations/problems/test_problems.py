"""The examples of rules of reading, read by their formats: bad is found, good is not; and none is unexplained."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from kfm_ci.config import MigrationsTable
from kfm_ci.migrations import detection
from kfm_ci.migrations.model import Unreadable
from kfm_ci.migrations.problems import READ, Read
from kfm_ci.model import Hazard, Severity
from kfm_ci.rules.registry import EXPLAINED

MIGRATIONS = Path(__file__).parents[4] / "kfm_ci" / "migrations"


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


def told(rule: Read, files: Mapping[str, str]) -> list[tuple[str, Hazard, Severity]]:
    tree = Held({**rule.files, **files})
    found = detection.locate(tree, directory="m", format=rule.format)
    return [
        (item.rule, item.hazard, item.severity)
        for item in found.format.load(tree, found.directory, MigrationsTable()).findings
    ]


@pytest.mark.parametrize("rule", READ, ids=lambda rule: rule.id)
def test_the_bad_example_is_found_and_the_good_one_is_quiet(rule: Read) -> None:
    assert (rule.id, rule.hazard, rule.severity) in told(rule, rule.breaks)
    assert told(rule, rule.keeps) == []


def named() -> Iterator[tuple[str, str]]:
    """Yield the ids that reading gives its findings: the slug among the first arguments of what makes them."""
    for path in MIGRATIONS.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).lstrip("_") in {
                "problem",
                "finding",
                "naming",
                "add",
            }:
                words = [
                    item.value
                    for item in node.args[:3]
                    if isinstance(item, ast.Constant) and isinstance(item.value, str)
                ]
                yield from ((word, path.name) for word in words[:1] if word.replace("-", "").isalpha())


def test_whatever_reading_tells_is_explained() -> None:
    found = dict(named())
    assert len(found) > 30
    assert {word: place for word, place in found.items() if word not in {rule.id for rule in EXPLAINED}} == {}


def test_no_id_of_reading_is_used_twice() -> None:
    ids = [rule.id for rule in EXPLAINED]
    assert [rule.id for rule in READ if ids.count(rule.id) > 1] == []
