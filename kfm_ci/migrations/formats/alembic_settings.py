"""Alembic's own settings: directories of revisions and the databases that they are for."""

from __future__ import annotations

import configparser
import posixpath
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from kfm_ci import toml
from kfm_ci.config import CommandTable
from kfm_ci.errors import UsageError
from kfm_ci.migrations.layouts import program_files
from kfm_ci.migrations.model import Tree

_SEPARATORS = {"space": r"\s+", "newline": r"\n", "os": ":", ":": ":", ";": ";"}
_LEGACY = r"[,\s]+"
_TRUE = frozenset({"true", "yes", "on", "1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class AlembicSettings:
    """Settings of ``alembic.ini``, and of ``[tool.alembic]`` in ``pyproject.toml`` in the same directory."""

    file: str | None
    """Path of the ini file; None: there is none."""
    options: tuple[str, ...]
    """Arguments that name this file on the command line, if the configured command has them."""
    home: str
    """Directory in which Alembic is started."""
    places: tuple[str, ...]
    """Directories of revisions."""
    recursive: bool
    """Whether subdirectories of these hold revisions too."""


def read(tree: Tree, directory: str, table: CommandTable | None) -> AlembicSettings:
    """Return the settings for a directory of revisions; raises UsageError when they name several databases."""
    options, place = _named(table), (table.directory if table else None) or "."
    file = _inside(posixpath.join(place, options[-1])) if options else _above(tree, directory)
    home = place if options else posixpath.dirname(file or "") or "."
    ini = _section(tree, file)
    said: dict[str, object] = {**_table(tree, home), **ini}
    databases = [name for name in re.split(_LEGACY, ini.get("databases", "")) if name]
    if len(databases) > 1:
        raise _several(file or "alembic.ini", databases)
    separator = str(said.get("path_separator", said.get("version_path_separator", "")))
    listed = said.get("version_locations", "")
    given = listed if isinstance(listed, list) else re.split(_SEPARATORS.get(separator, _LEGACY), str(listed))
    places = [spot for one in given if str(one).strip() and (spot := _place(str(one).strip(), home))]
    own = f"{directory}/versions".removeprefix("./")
    first = own if any(tree.paths(own)) else directory
    deep = str(said.get("recursive_version_locations", "")).lower() in _TRUE
    return AlembicSettings(
        file=file, options=options, home=home, places=tuple(dict.fromkeys([first, *places])), recursive=deep
    )


def _named(table: CommandTable | None) -> tuple[str, ...]:
    """Return the arguments by which the configured command names the settings; empty when it has none."""
    words = shlex.split(table.up or "") if table else []
    pairs = zip(words, words[1:], strict=False)
    return next(((option, name) for option, name in pairs if option in {"-c", "--config"}), ())


def _above(tree: Tree, directory: str) -> str | None:
    home = program_files.nearest_directory(tree, directory, ("alembic.ini",))
    return None if home is None else posixpath.normpath(posixpath.join(home, "alembic.ini"))


def _section(tree: Tree, file: str | None) -> Mapping[str, str]:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(program_files.read_text(tree, file) if file else "")
    except configparser.Error:
        return {}
    return parser["alembic"] if parser.has_section("alembic") else {}


def _table(tree: Tree, home: str) -> Mapping[str, object]:
    text = program_files.read_text(tree, posixpath.normpath(posixpath.join(home, "pyproject.toml")))
    try:
        found = toml.loads(text).get("tool", {}).get("alembic", {})
    except toml.InvalidToml:
        return {}
    return found if isinstance(found, dict) else {}


def _place(written: str, home: str) -> str | None:
    """Return a directory (``%(here)s/x``, ``x``, ``package:x``) as a path of the repository; None when outside."""
    plain = re.sub(r"%\(here\)s|\{here\}", home, written)
    package, colon, rest = plain.partition(":")
    if colon:
        return _inside(posixpath.join(package.replace(".", "/"), rest))
    return _inside(plain if plain != written else posixpath.join(home, plain))


def _inside(path: str) -> str | None:
    plain = posixpath.normpath(path)
    return None if plain.startswith(("/", "..")) else plain


def _several(file: str, databases: list[str]) -> UsageError:
    first = databases[0]
    own = f"alembic.{first}.ini"
    return UsageError(
        code="KFM-U39",
        message=f"Alembic's settings name revisions for {len(databases)} databases: {', '.join(databases)}.",
        where=file,
        expected="one database for one run of the gate",
        help=f"Run the gate once for each database: copy the file to `{own}` with `databases = {first}`. "
        f'Write `up = "alembic -c {own} upgrade heads"` to `[migrations.command]` of `kfm-ci.{first}.toml`, '
        "and pass that file with `--config`.",
    )
