"""psql variables of ``sqitch.conf``, replaced in the scripts as psql replaces them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from configparser import ConfigParser
from configparser import Error as NotReadable
from dataclasses import replace

from kfm_ci.migrations.layouts import program_files
from kfm_ci.migrations.model import Tree
from kfm_ci.sql.identifiers import quote
from kfm_ci.sql.script import Script
from kfm_ci.sql.tokens import Kind, tokens

_SECTION = re.compile(r'^\[\s*(\w+)\s+"([^"]*)"\s*\]', re.MULTILINE)
_PLACE = re.compile(r"(?<![:\w]):(?:'(?P<literal>\w+)'|\"(?P<name>\w+)\"|(?P<plain>\w+))")
_SHARED = ("core.variables", "deploy.variables")
_ENGINE = "engine.pg.variables"
_OPAQUE = frozenset({Kind.LINE_COMMENT, Kind.BLOCK_COMMENT, Kind.STRING, Kind.QUOTED})


def read(tree: Tree, directory: str, given: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return the variables of deploy, revert and verify; variables of a single target are left out.

    ``given`` are the values of ``[migrations.placeholders]``, which take precedence like ``--set``.
    """
    asked = {name.removeprefix(":"): value for name, value in given.items() if name.removeprefix(":").isidentifier()}
    sections: dict[str, dict[str, str]] = {}
    for text in reversed(program_files.settings_texts(tree, directory, ("sqitch.conf",))):
        for name, values in _parsed(text).items():
            sections.setdefault(name, {}).update(values)
    return {
        command: {
            key: value
            for held in (*(sections.get(name, {}) for name in (*_SHARED, f"{command}.variables", _ENGINE)), asked)
            for key, value in held.items()
        }
        for command in ("deploy", "revert", "verify")
    }


def put(script: Script, values: Mapping[str, str]) -> Script:
    """Return the script as psql sends it: quoted text, dollar-quoted text and comments stay unchanged."""
    if not values or ":" not in script.text:
        return script
    opaque = [(token.start, token.end) for token in tokens(script.text) if token.kind in _OPAQUE]

    def value(found: re.Match[str]) -> str:
        kind = found.lastgroup or ""
        name = found[kind]
        if name not in values or any(start < found.start() < end for start, end in opaque):
            return found[0]
        if kind == "literal":
            return "'" + values[name].replace("'", "''") + "'"
        return quote(values[name]) if kind == "name" else values[name]

    text = _PLACE.sub(value, script.text)
    return replace(script, text=text) if text != script.text else script


def _parsed(text: str) -> dict[str, dict[str, str]]:
    """Return the sections of a git-style configuration by dotted name; none when it cannot be read."""
    parser = ConfigParser(
        strict=False,
        interpolation=None,
        allow_no_value=True,
        delimiters=("=",),
        inline_comment_prefixes=("#", ";"),
        default_section="",
    )
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    plain = "\n".join(line.strip() for line in text.splitlines())
    try:
        parser.read_string(_SECTION.sub(r"[\1.\2]", plain))
    except NotReadable:
        return {}
    return {
        name: {key: value.strip('"') for key, value in parser.items(name) if value is not None}
        for name in parser.sections()
    }
