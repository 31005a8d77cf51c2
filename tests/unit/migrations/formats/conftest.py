"""Loads a format from files held in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from kfm_ci.config import MigrationsTable
from kfm_ci.migrations import detection
from kfm_ci.migrations.model import History, Unreadable


@dataclass(frozen=True)
class Texts:
    files: dict[str, bytes]

    def paths(self, directory: str) -> Iterator[str]:
        start = "" if directory in {"", "."} else f"{directory}/"
        return iter(sorted(path for path in self.files if path.startswith(start)))

    def read(self, path: str) -> bytes:
        if path not in self.files:
            raise Unreadable(path)
        return self.files[path]

    def exists(self, path: str) -> bool:
        return path in self.files


@pytest.fixture
def tree() -> Callable[[dict[str, str]], Texts]:
    return lambda files: Texts({path: text.encode() for path, text in files.items()})


@pytest.fixture
def load() -> Callable[..., History]:
    def load(format: str, files: dict[str, str], directory: str = "m", **settings: object) -> History:
        held = Texts({path: text.encode() for path, text in files.items()})
        return detection.by_name(format).load(held, directory, MigrationsTable(**settings))

    return load


@pytest.fixture
def detect() -> Callable[[dict[str, str]], tuple[str, str]]:
    def detect(files: dict[str, str]) -> tuple[str, str]:
        held = Texts({path: text.encode() for path, text in files.items()})
        found = detection.locate(held, directory=None, format="auto")
        return found.directory, found.format.name

    return detect
