"""Changesets in XML, YAML or JSON: identity and place; only Liquibase itself can run them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from kfm_ci.sql.script import SourceFile

_XML = re.compile(r"<(?:\w+:)?changeSet\b([^>]*?)(/?)>", re.DOTALL)
_XML_END = re.compile(r"</(?:\w+:)?changeSet\s*>")
_XML_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_XML_ATTRIBUTE = re.compile(r"\b(id|author|dbms|ignore)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_YAML = re.compile(r"^([ \t]*)-[ \t]*changeSet[ \t]*:[ \t]*$", re.MULTILINE)
_YAML_KEY = re.compile(
    r"^([ \t]+)(id|author|dbms|ignore)[ \t]*:[ \t]*(?:\"([^\"\n]*)\"|'([^'\n]*)'|([^\n#]*?))[ \t]*(?:#.*)?$",
    re.MULTILINE,
)
_CONDITION = re.compile(
    r"[\"\s](context(?:Filter)?|labels)\"?\s*[=:]\s*[\"']?([^\"'\n<>]+)|[\"<\s](preConditions)\b\"?\s*[:>]"
)
_BEGINS = {"xml": _XML, "yaml": _YAML, "yml": _YAML, "json": re.compile(r"\"changeSet\"\s*:")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Changeset:
    """One changeset of a changelog that is not SQL."""

    author: str
    id: str
    text: str
    """The source text of the changeset."""
    first_line: int
    """1-based line in the file."""


def holds(path: str, text: str) -> bool:
    """Whether a changelog has changesets of its own."""
    begins = _BEGINS.get(path.rpartition(".")[2].lower())
    return begins is not None and begins.search(text) is not None


def read(file: SourceFile) -> list[Changeset]:
    """Return the changesets of a file that run on PostgreSQL, in order."""
    kind = file.path.rpartition(".")[2].lower()
    found = _xml(file.text) if kind == "xml" else _json(file.text) if kind == "json" else _yaml(file.text)
    return [
        Changeset(
            author=values.get("author", ""), id=values["id"], text=text, first_line=file.text.count("\n", 0, at) + 1
        )
        for values, text, at in found
        if "id" in values and runs_here(values.get("dbms", "")) and values.get("ignore", "").lower() != "true"
    ]


def runs_here(dbms: str) -> bool:
    """Whether a changeset for these databases, names with commas between, runs on PostgreSQL."""
    names = [name.strip().lower() for name in dbms.split(",") if name.strip()]
    wanted = [name for name in names if not name.startswith("!")]
    return "!postgresql" not in names and (not wanted or bool({"postgresql", "all"} & set(wanted)))


def condition(file: SourceFile, item: Changeset) -> str | None:
    """Return the condition under which a changeset, or its changelog, is left out; None when there is none."""
    around = _BEGINS[file.path.rpartition(".")[2].lower()].split(file.text, maxsplit=1)[0]
    found = _CONDITION.search(item.text) or _CONDITION.search(around)
    if found is None:
        return None
    return f"its {found[1]} {' '.join(found[2].split())[:60]}" if found[1] else f"its {found[3]}"


def _xml(text: str) -> Iterator[tuple[dict[str, str], str, int]]:
    plain = _XML_COMMENT.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)
    for begin in _XML.finditer(plain):
        end = None if begin[2] else _XML_END.search(plain, begin.end())
        values = {key: one or other for key, one, other in _XML_ATTRIBUTE.findall(begin[1])}
        yield values, text[begin.start() : end.end() if end else begin.end()], begin.start()


def _yaml(text: str) -> Iterator[tuple[dict[str, str], str, int]]:
    for begin in _YAML.finditer(text):
        stop = re.compile(rf"^[ \t]{{0,{len(begin[1])}}}[^\s#]", re.MULTILINE).search(text, begin.end())
        part = text[begin.start() : stop.start() if stop else len(text)]
        keys = list(_YAML_KEY.finditer(part))
        # the changeset's own keys are indented less than those of its changes
        depth = min((len(key[1]) for key in keys), default=0)
        yield (
            {key[2]: key[3] or key[4] or key[5] or "" for key in reversed(keys) if len(key[1]) == depth},
            part,
            begin.start(),
        )


def _json(text: str) -> Iterator[tuple[dict[str, str], str, int]]:
    try:
        entries = json.loads(text)["databaseChangeLog"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return
    at = 0
    for entry in entries if isinstance(entries, list) else ():
        held = entry.get("changeSet") if isinstance(entry, dict) else None
        if isinstance(held, dict):
            at = max(text.find('"changeSet"', at + 1), at)
            yield (
                {key: str(value) for key, value in held.items() if not isinstance(value, (list, dict))},
                json.dumps(held, indent=1),
                at,
            )
