"""The texts of findings and errors: a message is a sentence, a help is an instruction of at most two sentences."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import pytest

from kfm_ci.errors import KfmError
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.registry import RULES
from tests.contract.test_language import PACKAGE, TOOLS, TREES

FIELDS = ("message", "help")
VERBS = frozenset(
    {
        "Add",
        "Allow",
        "Assign",
        "Catch",
        "Change",
        "Check",
        "Choose",
        "Close",
        "Compare",
        "Configure",
        "Connect",
        "Convert",
        "Copy",
        "Correct",
        "Create",
        "Define",
        "Delete",
        "Deploy",
        "Do",
        "Download",
        "Dump",
        "End",
        "Expand",
        "Fetch",
        "Fill",
        "Fix",
        "Free",
        "Give",
        "Grant",
        "Include",
        "Install",
        "Keep",
        "Leave",
        "Load",
        "Lock",
        "Make",
        "Move",
        "Name",
        "Number",
        "Omit",
        "Pass",
        "Provide",
        "Put",
        "Read",
        "Release",
        "Remove",
        "Rename",
        "Renumber",
        "Report",
        "Restore",
        "Revert",
        "Replace",
        "Review",
        "Rewrite",
        "Run",
        "Save",
        "See",
        "Set",
        "Split",
        "Start",
        "Upload",
        "Use",
        "Write",
    }
)
"""Imperatives with which a help starts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Text:
    """A message or help as it stands in the code: a computed part is ``{}``."""

    place: str
    field: str
    text: str
    is_error: bool

    def __str__(self) -> str:
        return f"{self.place} {self.field}: {self.text!r}"


def _errors() -> frozenset[str]:
    """Return the name of each class of errors."""
    bases = {
        node.name: {getattr(base, "id", "") for base in node.bases}
        for tree in TREES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    found = {KfmError.__name__}
    while more := {name for name, parents in bases.items() if parents & found} - found:
        found |= more
    return frozenset(found)


@dataclass(frozen=True, kw_only=True, slots=True)
class Builder:
    """A function that builds a finding from a message or help."""

    path: Path
    is_method: bool
    positional: tuple[str, ...]


def _builders() -> dict[str, list[Builder]]:
    """Return the functions that build findings, by name."""
    found = defaultdict(list)
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                positional = [item.arg for item in node.args.args]
                names = {*positional, *(item.arg for item in node.args.kwonlyargs)}
                if "help" in names or {"rule", "message"} <= names:
                    is_method = positional[:1] == ["self"]
                    found[node.name].append(
                        Builder(path=path, is_method=is_method, positional=tuple(positional[is_method:]))
                    )
    return found


def _fields(call: ast.Call, builders: list[Builder], path: Path) -> Iterator[tuple[str, ast.expr]]:
    """Yield the fields of a call with their values; of functions with one name, that of the same module is called."""
    private = _name(call).startswith("_")
    near = [item for item in builders if item.path == path]
    for item in near if near or private else builders:
        if item.is_method == isinstance(call.func, ast.Attribute) and len(item.positional) == len(call.args):
            yield from ((name, value) for name, value in zip(item.positional, call.args, strict=True) if name in FIELDS)
    yield from ((item.arg, item.value) for item in call.keywords if item.arg in FIELDS)


def _texts(node: ast.expr, values: dict[str, list[ast.expr]], depth: int = 0) -> Iterator[str]:
    """Yield each text that an expression can be; a name stands for all that the module assigns to it."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    elif isinstance(node, ast.IfExp):
        yield from _texts(node.body, values, depth)
        yield from _texts(node.orelse, values, depth)
    elif isinstance(node, ast.BoolOp):
        for value in node.values:
            yield from _texts(value, values, depth)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = (list(_texts(side, values, depth)) or ["{}"] for side in (node.left, node.right))
        yield from map("".join, product(left, right))
    elif isinstance(node, ast.Dict):
        for value in node.values:
            yield from _texts(value, values, depth)
    elif isinstance(node, ast.Subscript):
        yield from _texts(node.value, values, depth)
    elif isinstance(node, ast.Name) and depth < 3:
        for value in values.get(node.id, ()):
            yield from _texts(value, values, depth + 1)


def _assigned(nodes: Iterable[ast.AST]) -> dict[str, list[ast.expr]]:
    """Return all values that statements assign to each plain name."""
    found = defaultdict(list)
    for node in nodes:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    found[target.id].append(node.value)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            found[node.target.id].append(node.value)
    return found


def _scopes(tree: ast.Module) -> Iterator[tuple[ast.FunctionDef | None, list[ast.AST], dict[str, list[ast.expr]]]]:
    """Yield each function with its nodes and the values of its names; None is the module outside functions."""
    constants = _assigned(tree.body)
    inside = set()
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            nodes = list(ast.walk(function))
            inside |= set(map(id, nodes))
            yield function, nodes, constants | _assigned(nodes)
    yield None, [node for node in ast.walk(tree) if id(node) not in inside], constants


def _collected() -> Iterator[Text]:
    errors, functions = _errors(), _builders()
    for path, tree in TREES.items():
        for function, nodes, values in _scopes(tree):
            fields = [
                (is_error, *field)
                for node in nodes
                if isinstance(node, ast.Call) and (name := _name(node)) in errors | functions.keys()
                for is_error in [name in errors]
                for field in _fields(node, functions.get(name, []), path)
            ]
            if function is not None and function.name.endswith("_help"):
                returned = (node.value for node in nodes if isinstance(node, ast.Return))
                fields += ((False, "help", value) for value in returned if value is not None)
            for is_error, field, value in fields:
                place = f"{path.relative_to(PACKAGE).as_posix()}:{value.lineno}"
                for text in filter(None, _texts(value, values)):
                    yield Text(place=place, field=field, text=text, is_error=is_error)


def _name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


FOUND = tuple(dict.fromkeys(_collected()))


def _sentences(text: str) -> list[str]:
    """Return the sentences of a text; what stands in backticks ends none."""
    return re.split(r"(?<=\.)\s+", re.sub(r"`[^`]*`", "`…`", text).strip())


def _starts_well(text: str) -> bool:
    return text[0].isupper() or text[0] in "`{" or re.split(r"[ ,:'’]", text)[0] in TOOLS


def test_the_texts_of_findings_and_errors_are_found() -> None:
    for field, is_error in (("message", True), ("help", True), ("message", False), ("help", False)):
        assert sum(item.field == field and item.is_error is is_error for item in FOUND) > 100, (field, is_error)


@pytest.mark.parametrize("field", FIELDS)
def test_messages_and_helps_are_sentences(field: str) -> None:
    wrong = [
        str(item)
        for item in FOUND
        if item.field == field and (not _starts_well(item.text) or not re.search(r"(?:\.|\{\})$", item.text.rstrip()))
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("field", FIELDS)
def test_messages_and_helps_ask_no_questions(field: str) -> None:
    plain = [(item, re.sub(r"`[^`]*`", "", item.text)) for item in FOUND if item.field == field]
    wrong = [str(item) for item, text in plain if "?" in text]
    assert not wrong, "\n".join(wrong)


def test_an_error_has_a_help() -> None:
    errors = _errors() - {"Cancelled"}
    wrong = [
        f"{path.relative_to(PACKAGE).as_posix()}:{node.lineno}"
        for path, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and _name(node) in errors
        if "help" not in {item.arg for item in node.keywords}
    ]
    assert not wrong, "\n".join(wrong)


def test_a_help_starts_with_an_imperative() -> None:
    helps = [item for item in FOUND if item.field == "help" and not item.text.startswith("{}")]
    wrong = [str(item) for item in helps if re.split(r"[ ,.]", item.text)[0] not in VERBS]
    assert not wrong, "\n".join(wrong)


def test_a_help_has_at_most_two_sentences() -> None:
    wrong = [str(item) for item in FOUND if item.field == "help" and len(_sentences(item.text)) > 2]
    assert not wrong, "\n".join(wrong)


def test_a_message_has_at_most_two_sentences() -> None:
    wrong = [str(item) for item in FOUND if item.field == "message" and len(_sentences(item.text)) > 2]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_is_explained_in_three_short_sentences(rule: RuleInfo) -> None:
    sentences = _sentences(rule.why)
    assert len(sentences) <= 3
    assert [text for text in sentences if len(text.split()) > 20] == []
