"""Names and messages follow one style: one class per name, one file per rule, titles that name the problem."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest

from kfm_ci.rules import ALL
from kfm_ci.rules.registry import RULES

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "kfm_ci"
TREES = {
    path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
    for path in sorted(PACKAGE.rglob("*.py"))
}


def test_a_class_has_a_name_of_its_own() -> None:
    places = defaultdict(list)
    for name, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                places[node.name].append(name)
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_a_static_rule_is_in_the_file_of_its_id() -> None:
    for rule in ALL:
        module = type(rule).__module__.rsplit(".", 1)[-1]
        assert module == rule.info.id.replace("-", "_"), f"{rule.info.id} is in {module}.py"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_title_names_the_problem(rule) -> None:
    assert len(rule.title) <= 60
    assert not re.match(r"(No|Nobody|Nothing|What|Whoever|That which)\b", rule.title)
    assert not rule.title.endswith(".")
