"""The language of messages, titles and names: what a reader of a finding and a reader of the code can rely on."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from kfm_ci.rules import ALL
from kfm_ci.rules.registry import RULES

PACKAGE = Path(__file__).resolve().parents[2] / "kfm_ci"
MODULES = tuple(sorted(PACKAGE.rglob("*.py")))
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in MODULES}
MESSAGE_POSITION = {
    "finding": 0,
    "statement_finding": 2,
    "migration_finding": 1,
    "file_finding": 3,
    "script_finding": 3,
    "problem": 2,
    "report": 1,
    "missing": 0,
}
"""Position of the message among the arguments of the functions that build findings."""
FAMILIES = tuple(
    path.name for path in (PACKAGE / "rules").iterdir() if path.is_dir() and path.name not in {"server", "squawk"}
)


def test_a_class_name_is_defined_once_in_the_package() -> None:
    names = Counter(node.name for tree in TREES.values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
    assert {name for name, count in names.items() if count > 1} == set()


def test_a_rule_file_bears_the_id_of_its_rule() -> None:
    stems = {type(rule).__module__.rpartition(".")[2]: rule.info.id for rule in ALL}
    assert {stem: id for stem, id in stems.items() if stem != id.replace("-", "_")} == {}
    assert len(stems) == len(ALL)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_title_names_the_problem_in_sixty_characters(rule) -> None:
    assert len(rule.title) <= 60 and not rule.title.endswith(".")
    assert not re.match(r"(?:No|Nobody|Nothing|What|Whoever)\b", rule.title)
    assert rule.title[0].isupper() or rule.title[0] == "`" or rule.title.split(" ")[0].islower()
    assert rule.why[0].isupper() or rule.why[0] == "`" or re.split(r"[ ,'’]", rule.why)[0] in TOOLS, rule.why
    assert rule.why.endswith("."), rule.why


TOOLS = frozenset(
    {"dbmate", "diesel", "goose", "golang-migrate", "graphile-migrate", "kfm-ci", "psql", "sql-migrate", "dblink",
     "refinery", "sqlx", "node-pg-migrate", "yoyo"}
)  # fmt: skip
"""Tools whose names start in lower case, also at the start of a sentence."""


def texts(node: ast.expr | None) -> Iterator[tuple[str | None, str | None]]:
    """Yield the first and the last literal text of each message that an expression can be; None where it is computed."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value, node.value
    elif isinstance(node, ast.JoinedStr):
        first, last = node.values[0], node.values[-1]
        yield (
            first.value if isinstance(first, ast.Constant) else None,
            last.value if isinstance(last, ast.Constant) else None,
        )
    elif isinstance(node, ast.IfExp):
        yield from texts(node.body)
        yield from texts(node.orelse)
    elif isinstance(node, ast.BoolOp):
        for value in node.values:
            yield from texts(value)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        starts, ends = list(texts(node.left)), list(texts(node.right))
        if starts and ends:
            yield starts[0][0], ends[-1][1]


def spoken() -> Iterator[tuple[str, ast.expr]]:
    """Yield the place and the expression of every message and help of a finding."""
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name not in MESSAGE_POSITION:
                continue
            place = f"{path.relative_to(PACKAGE)}:{node.lineno}"
            position = MESSAGE_POSITION[name]
            if name == "finding" and len(node.args) == 2:
                position = 1  # of a case: the rule comes first
            if len(node.args) > position:
                yield place, node.args[position]
            if name == "problem" and len(node.args) > 3:
                yield place, node.args[3]
            yield from ((place, item.value) for item in node.keywords if item.arg in {"message", "help"})


def starts_well(text: str) -> bool:
    word = re.split(r"[ ,'’]", text)[0]
    return text[0].isupper() or text[0] in "`{" or word in TOOLS


def test_messages_and_helps_are_sentences() -> None:
    found = list(spoken())
    assert len(found) > 200
    wrong = [
        f"{place}: {first!r} … {last!r}"
        for place, expression in found
        for first, last in texts(expression)
        if (first and not starts_well(first)) or (last and not last.endswith((".", ". ")))
    ]
    assert wrong == []


def test_the_formatter_is_switched_off_around_tables_of_data_only() -> None:
    count = sum(path.read_text(encoding="utf-8").count("# fmt: " + "skip") for path in MODULES)
    assert count < 20


def test_no_rule_id_stands_in_a_literal_beside_its_definition() -> None:
    ids = {rule.id for rule in RULES} - {"secret", "out-of-order"}
    found = []
    for path, tree in TREES.items():
        if path.name == "model.py" and path.parent == PACKAGE:
            continue  # hazards of the contract, some of which are named like a rule
        defined = {
            id(keyword.value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "RuleInfo"
            for keyword in node.keywords
            if keyword.arg == "id"
        }
        found += [
            f"{path.relative_to(PACKAGE)}:{node.lineno}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and node.value in ids and id(node) not in defined
        ]
    assert found == []
