"""Builds the change that a rule judges from plain texts; no git, no disk."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from kfm_ci.analysis.change import Change, Requirements
from kfm_ci.migrations.model import Header, History, Migration, Unreadable
from kfm_ci.model import Digest, Finding
from kfm_ci.rules.rule import Rule
from kfm_ci.sql.script import Script, SourceFile

DIRECTORY = "migrations/db"
NAME = "20260225_1200__add_widgets_table"


@dataclass(frozen=True)
class Texts:
    """A tree of files held in memory."""

    files: dict[str, bytes]

    def paths(self, directory: str) -> Iterator[str]:
        return iter(sorted(path for path in self.files if path.startswith(f"{directory}/")))

    def read(self, path: str) -> bytes:
        if path not in self.files:
            raise Unreadable(path)
        return self.files[path]

    def exists(self, path: str) -> bool:
        return path in self.files


def source(path: str, content: str | bytes) -> SourceFile:
    data = content.encode() if isinstance(content, str) else content
    return SourceFile(path=path, data=data, text=data.decode("utf-8", "replace"), sha256=Digest.of(data))


def header_of(text: str) -> Header | None:
    lines = text.split("\n")
    if not lines[0].startswith("-- [KFM_MIGRATION]"):
        return None
    end = next(number for number, line in enumerate(lines, 1) if "[/KFM_MIGRATION]" in line or number == len(lines))
    pairs = [
        (number, *lines[number - 1][3:].split(": ", 1)) for number in range(2, end) if ": " in lines[number - 1][3:]
    ]
    return Header(
        values={key: value for _, key, value in pairs},
        lines={key: number for number, key, _ in pairs},
        start=1,
        end=end,
    )


def history(files: dict[str, str | bytes], format: str = "kfm") -> History:
    """Read ``name.up.sql`` with ``name.down.sql``; everything else belongs to no migration."""
    sources = {name: source(f"{DIRECTORY}/{name}", content) for name, content in files.items()}
    migrations = []
    for name in sorted(sources):
        if not name.endswith(".up.sql"):
            continue
        stem = name.removesuffix(".up.sql")
        version = stem.split("__")[0]
        number = re.fullmatch(r"V(\d+)", version)
        down = sources.get(f"{stem}.down.sql")
        up = sources[name]
        migrations.append(
            Migration(
                id=stem,
                version=version,
                sort_key=(int(number[1]) if number else version,),
                name=stem.split("__")[-1],
                up=Script(file=up, text=up.text),
                down=Script(file=down, text=down.text) if down else None,
                header=header_of(up.text),
                is_repeatable=stem.startswith("R__"),
            )
        )
    known = {file for item in migrations for file in (item.up.file.path, item.down.file.path if item.down else None)}
    others = tuple(file for file in sources.values() if file.path not in known)
    return History(format=format, directory=DIRECTORY, migrations=tuple(migrations), other_files=others)


def change_of(
    head: dict[str, str | bytes],
    base: dict[str, str | bytes] | None = None,
    merge_base: dict[str, str | bytes] | None = None,
    *,
    format: str = "kfm",
    body: str | None = None,
    outside: dict[str, str] | None = None,
    requirements: Requirements | None = None,
) -> Change:
    now = history(head, format)
    tip = history(base, format) if base is not None else None
    parted_files = merge_base if merge_base is not None else base
    parted = history(parted_files, format) if parted_files is not None else None
    on_base = {migration.id for migration in tip.migrations} if tip else set()
    tree = {f"{DIRECTORY}/{name}": source("x", content).data for name, content in head.items()}
    tree |= {path: content.encode() for path, content in (outside or {}).items()}
    return Change(
        head=now,
        base=tip,
        merge_base=parted,
        new=tuple(migration for migration in now.migrations if migration.id not in on_base),
        tree=Texts(tree),
        requirements=requirements or Requirements(require_header=False, require_traceability=False),
        body=body,
        tracked=tuple(sorted(tree)),
        previous={f"{DIRECTORY}/{name}": source(f"{DIRECTORY}/{name}", c) for name, c in (parted_files or {}).items()},
    )


Judge = Callable[..., list[Finding]]


@pytest.fixture
def judge() -> Judge:
    """Judge head (and base) files, given by name, with one rule."""

    def run(rule: Rule, head: dict[str, str | bytes], *args: object, **kwargs: object) -> list[Finding]:
        return list(rule.check(change_of(head, *args, **kwargs)))  # type: ignore[arg-type]

    return run


@pytest.fixture
def change() -> Callable[..., Change]:
    """Build a change without judging it."""
    return change_of


@pytest.fixture
def judge_text(judge: Judge) -> Callable[..., list[Finding]]:
    """Judge one new migration of the given text, with a down."""

    def run(rule: Rule, text: str | bytes, **kwargs: object) -> list[Finding]:
        return judge(rule, {f"{NAME}.up.sql": text, f"{NAME}.down.sql": "drop table widgets;\n"}, **kwargs)

    return run
