"""A Django project's settings: the directories of migrations and the user model."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from kfm_ci.migrations.layouts import program_files
from kfm_ci.migrations.model import Tree

_SETTINGS = re.compile(r"(?:^|/)settings\w*(?:/\w+)*\.py$")
_TESTS = re.compile(r"(?:^|[/_])tests?(?:[/_.]|$)")
_USER = re.compile(r"^AUTH_USER_MODEL\s*=\s*[\"'](\w+)\.\w+[\"']", re.MULTILINE)
_MODULES = "MIGRATION_MODULES"
_LABEL = re.compile(r"^\s*label\s*=\s*[\"'](\w+)[\"']", re.MULTILINE)
_PATH = re.compile(r"^(?:.*/)?([^/]+)/migrations/\w+\.py$")


@dataclass(frozen=True, slots=True, kw_only=True)
class DjangoSettings:
    """The settings of a project together, without those for tests only."""

    user: str | None
    """Label of the app that defines the user model."""
    modules: Mapping[str, str | None]
    """Package of the migrations by label of the app; None: the app has no migrations."""
    computed: bool
    """Whether a part is computed, so that only running the settings would give it."""

    def app(self, tree: Tree, path: str) -> str | None:
        """Return the label of the app whose migrations are in the file's directory; None when there is none."""
        folder = posixpath.dirname(path)
        for label, place in self.modules.items():
            if place is not None and f"/{folder}".endswith(f"/{place}"):
                return label
        found = _PATH.match(path)
        if found is None:
            return None
        named = _LABEL.search(program_files.read_text(tree, f"{posixpath.dirname(folder)}/apps.py"))
        app = named[1] if named else found[1]
        return None if app in self.modules else app


def read(tree: Tree, paths: Iterable[str]) -> DjangoSettings:
    """Return the settings of the files among these paths that are settings modules, without running them."""
    user: str | None = None
    modules: dict[str, str | None] = {}
    computed = False
    for path in paths:
        if not _SETTINGS.search(path) or _TESTS.search(path):
            continue
        text = program_files.read_text(tree, path)
        found = _USER.search(text)
        user = found[1] if found else user
        if _MODULES in text:
            known = _modules(text)
            computed = computed or known is None
            modules |= known or {}
    return DjangoSettings(user=user, modules=modules, computed=computed)


def _modules(text: str) -> dict[str, str | None] | None:
    """Return the setting's value; None where it is not a literal."""
    try:
        nodes = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError):
        return None
    found: dict[str, str | None] | None = None
    for node in nodes:
        if isinstance(node, ast.Assign) and any(
            isinstance(one, ast.Name) and one.id == _MODULES for one in node.targets
        ):
            try:
                value = ast.literal_eval(node.value)
            except (ValueError, TypeError):
                return None
            if not isinstance(value, dict):
                return None
            found = {
                str(label): str(name).replace(".", "/") if name is not None else None for label, name in value.items()
            }
    return found
