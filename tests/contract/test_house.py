"""Libraries and calls that reach outside the process are each limited to one place."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "kfm_ci"
MODULES = tuple(sorted(PACKAGE.rglob("*.py")))
IMPORTS = {
    "subprocess": (
        "postgres/engines/",
        "migrations/git.py",
        "migrations/tools/",
        "rules/squawk/",
        "stages/smoke.py",
    ),
    "docker": ("postgres/engines/",),
    "requests": ("github/", "receipt/signing.py"),
    "github": ("github/",),
    "psycopg": ("postgres/", "evidence/"),
    # three uses of the parser: SQL to trees, PL/pgSQL to trees, trees to SQL
    "postgast": ("sql/statements.py", "sql/plpgsql.py", "sql/deparse.py"),
}
CALLS = {
    "os.environ": ("config.py", "github/context.py"),
    "os.getenv": (),
    "datetime.now": ("clock.py",),
    "datetime.utcnow": (),
    "time.time": ("clock.py",),
    "sys.exit": ("cli/", "__main__.py", "github/workflow_commands.py"),
    "print": ("cli/", "github/workflow_commands.py"),
}
NAMELESS = {"utils", "util", "helpers", "helper", "common", "misc", "manager"}


def _name(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


def _used(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield f"{node.value.id}.{node.attr}"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id


@pytest.mark.parametrize("module", IMPORTS)
def test_a_library_is_imported_only_in_its_place(module: str) -> None:
    found = {_name(path) for path in MODULES if module in _imported(ast.parse(path.read_text(encoding="utf-8")))}
    assert {name for name in found if not name.startswith(IMPORTS[module])} == set()


@pytest.mark.parametrize("call", CALLS)
def test_environment_clock_and_output_have_one_place_each(call: str) -> None:
    found = {_name(path) for path in MODULES if call in _used(ast.parse(path.read_text(encoding="utf-8")))}
    assert {name for name in found if not name.startswith(CALLS[call] or ("-",))} == set()


def test_modules_are_small_and_named_by_nouns_of_the_field() -> None:
    sizes = {_name(path): path.read_text(encoding="utf-8").count("\n") for path in MODULES}
    assert {name: size for name, size in sizes.items() if size > 300} == {}
    assert {path.stem for path in MODULES} & NAMELESS == set()
    assert sorted(sizes.values())[len(sizes) // 2] <= 120


def test_only_tables_of_data_are_exempt_from_the_formatter() -> None:
    exempt = [
        f"{path.relative_to(PACKAGE.parent)}:{number}"
        for folder in ("kfm_ci", "tests", "bench", "docs", "examples")
        for path in sorted((PACKAGE.parent / folder).rglob("*.py"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(r"# fmt: (?:skip|off)\b", line)
    ]
    assert len(exempt) < 20, exempt


CODE = re.compile(r"KFM-[A-Z][0-9]{2}")
SHARED = {
    "KFM-C01": "no server of that version",
    "KFM-C08": "the server is gone",
    "KFM-C22": "no such extension",
    "KFM-D01": "a defect",
    "KFM-G11": "the event names no commit",
    "KFM-U03": "a wrong value in the settings",
    "KFM-U31": "no migrations found",
    "KFM-U33": "the directory is empty",
    "KFM-U41": "not a possible value",
}
"""Codes that several modules use with the same meaning."""


def test_a_code_means_one_thing() -> None:
    places: dict[str, set[str]] = {}
    for path in MODULES:
        for code in CODE.findall(path.read_text(encoding="utf-8")):
            places.setdefault(code, set()).add(_name(path))
    assert {code: sorted(names) for code, names in places.items() if len(names) > 1 and code not in SHARED} == {}
