"""The language of messages, titles and names: what a reader of a finding and a reader of the code can rely on."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

import pytest

from kfm_ci.rules import ALL
from kfm_ci.rules.registry import RULES

PACKAGE = Path(__file__).resolve().parents[2] / "kfm_ci"
MODULES = tuple(sorted(PACKAGE.rglob("*.py")))
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in MODULES}
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
     "refinery", "sqlx", "node-pg-migrate", "yoyo", "git", "squawk"}
)  # fmt: skip
"""Tools whose names start in lower case, also at the start of a sentence."""


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
