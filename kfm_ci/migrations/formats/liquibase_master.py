"""The order of Liquibase's changelogs: by the includes of the master file, else by name."""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterable

from kfm_ci.migrations.formats import liquibase_changesets
from kfm_ci.migrations.layouts import program_files
from kfm_ci.migrations.layouts.sections import problem
from kfm_ci.migrations.model import Tree
from kfm_ci.migrations.problems.tool_plan import INCLUDE_MISSING, NOT_INCLUDED
from kfm_ci.migrations.source_files import read
from kfm_ci.model import Finding

_MASTER = re.compile(
    r"(?:^|/)(?:db\.)?(?:changelog[-_.]?)?(?:master|root|main|changelog)\.(?:xml|ya?ml|json)$", re.IGNORECASE
)
_XML = re.compile(r"<\s*(?:\w+:)?(include|includeAll)\b[^>]*?\b(?:file|path)\s*=\s*[\"']([^\"']+)[\"']", re.IGNORECASE)
_YAML = re.compile(
    r"^\s*-?\s*(include|includeAll)\s*:\s*(?:\{\s*)?(?:(?:file|path)\s*:\s*[\"']?([^\"'\s,}]+))?", re.IGNORECASE
)
_VALUE = re.compile(r"^\s*(?:file|path)\s*:\s*[\"']?([^\"'\s,}]+)", re.IGNORECASE)
_CHANGELOG = re.compile(r"databaseChangeLog\b")
_SETTINGS = re.compile(r"^\s*(?:liquibase\.command\.)?changelog-?file\s*[=:]\s*(\S+)", re.IGNORECASE | re.MULTILINE)
_LEFT = (".sql", ".dump", ".backup", ".tar", ".gz", ".zip", ".bz2", ".xz", ".sh")
PROPERTIES = "liquibase.properties"
ROOTS = ("", "src/main/resources", "src/main/liquibase")
"""Directories from which Liquibase resolves a changelog's path."""


def order(tree: Tree, directory: str, findings: list[Finding]) -> tuple[list[str], list[str]]:
    """Return the changelogs with changesets in execution order, and findings for changelogs that never run."""
    inside = list(tree.paths(directory))
    named = [path for path in inside if path.endswith(".sql")]
    master = first(tree, directory)
    if master is None:
        return named, _left(tree, inside, set(named))
    found: list[str] = []
    followed: set[str] = set()
    _follow(tree, master, found, findings, followed)
    chosen = list(dict.fromkeys(found))
    for path in [path for path in named if path not in set(chosen)]:
        file = read(tree, path, [])
        if file is not None and "liquibase" in file.text[:200].lower():
            findings.append(
                problem(
                    file,
                    NOT_INCLUDED,
                    f"No changelog includes this file, starting from `{master}`, so Liquibase never runs it.",
                    "Include it, or remove it.",
                )
            )
    return chosen, _left(tree, inside, followed | set(chosen))


def _left(tree: Tree, inside: Iterable[str], followed: Container[str]) -> list[str]:
    """Return the SQL files, changelogs and dumps among all files of a directory, often an application's resources."""
    rest = (path for path in inside if path not in followed)
    return [path for path in rest if path.endswith(_LEFT) or changelog(tree, path)]


def first(tree: Tree, directory: str) -> str | None:
    """Return Liquibase's root changelog: by the settings, else by its name, else the one with the most includes."""
    home = program_files.nearest_directory(tree, directory, (PROPERTIES,))
    said = program_files.first_match(tree, home, (PROPERTIES,), _SETTINGS)
    if said and not said.endswith(".sql") and (path := _found(tree, said, (home or "", *ROOTS))):
        return path
    inside = list(tree.paths(directory))
    above = directory.rpartition("/")[0]
    beside = [path for path in tree.paths(above or ".") if path.rpartition("/")[0] in {above, directory}]
    masters = [path for path in dict.fromkeys([*beside, *inside]) if _MASTER.search(path) and changelog(tree, path)]
    if masters:
        return min(masters, key=lambda path: (path.count("/"), path))
    logs = {path: _includes(program_files.read_text(tree, path)) for path in inside if changelog(tree, path)}
    named = {target.rpartition("/")[2] for includes in logs.values() for _, target in includes}
    tops = [path for path in logs if path.rpartition("/")[2] not in named]
    return max(tops, key=lambda path: (len(logs[path]), path), default=None)


def changelog(tree: Tree, path: str) -> bool:
    """Whether a file that is not SQL is a changelog."""
    return (
        path.endswith((".xml", ".yaml", ".yml", ".json"))
        and _CHANGELOG.search(program_files.read_text(tree, path)) is not None
    )


def _found(tree: Tree, target: str, roots: Iterable[str]) -> str | None:
    paths = (f"{root}/{target}".replace("/./", "/").strip("/").removeprefix("./") for root in roots)
    return next((path for path in paths if tree.exists(path)), None)


def _follow(tree: Tree, path: str, found: list[str], findings: list[Finding], seen: set[str]) -> None:
    if path in seen:
        return
    seen.add(path)
    if path.endswith(".sql"):
        found.append(path)
        return
    file = read(tree, path, findings)
    if file is None:
        return
    if liquibase_changesets.holds(path, file.text):
        found.append(path)
    for kind, target in _includes(file.text):
        for base in (path.rpartition("/")[0], *ROOTS):
            full = f"{base}/{target}".strip("/").replace("/./", "/").replace("classpath:", "")
            if kind == "includeall":
                below = sorted(item for item in tree.paths(full.rstrip("/")) if item.startswith(full.rstrip("/") + "/"))
                if below:
                    for item in below:
                        _follow(tree, item, found, findings, seen)
                    break
            elif tree.exists(full):
                _follow(tree, full, found, findings, seen)
                break
        else:
            findings.append(
                problem(
                    file, INCLUDE_MISSING, f"The included file `{target[:120]}` does not exist.", "Correct the path."
                )
            )


def _includes(text: str) -> list[tuple[str, str]]:
    if text.lstrip().startswith("<"):
        return [(kind.lower(), value) for kind, value in _XML.findall(text)]
    if text.lstrip().startswith("{"):
        try:
            entries = json.loads(text)["databaseChangeLog"]
        except (ValueError, KeyError, TypeError, RecursionError):
            return []
        return [
            (kind.lower(), str(entry[kind].get("file") or entry[kind].get("path")))
            for entry in entries
            for kind in ("include", "includeAll")
            if isinstance(entry.get(kind), dict)
        ]
    found: list[tuple[str, str]] = []
    waiting: str | None = None
    for line in text.splitlines():
        if match := _YAML.match(line):
            waiting = None if match[2] else match[1].lower()
            if match[2]:
                found.append((match[1].lower(), match[2]))
        elif waiting and (value := _VALUE.match(line)):
            found.append((waiting, value[1]))
            waiting = None
    return found
