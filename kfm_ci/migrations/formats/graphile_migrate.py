"""Format ``graphile-migrate``: ``committed/000001.sql``, a chain of hashes, each file one simple-query message."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace

from kfm_ci.config import MigrationsTable
from kfm_ci.migrations import resumption
from kfm_ci.migrations.layouts import program_files
from kfm_ci.migrations.layouts.sections import Section, Sections, holds, problem, sectioned
from kfm_ci.migrations.layouts.up_down_pairs import FileName, assemble
from kfm_ci.migrations.model import History, ToolSemantics, Tree
from kfm_ci.migrations.problems.tool_plan import CHAIN_BROKEN, HASH_MISMATCH
from kfm_ci.model import Finding, Mode, Resumption
from kfm_ci.sql.script import Script, SourceFile

_NAME = re.compile(r"^([0-9]+)(-[-_a-zA-Z0-9]*)?\.sql$")
_HEADER = re.compile(r"^--! ([a-zA-Z0-9_]+)(?::(.*))?$")
_SETTINGS = (".gmrc", ".gmrc.js", ".gmrc.cjs")
_COMMENT = re.compile(r"^\s*//[^\n]*|/\*.*?\*/", re.MULTILINE | re.DOTALL)
_PLACEHOLDERS = re.compile(r"[\"']?\bplaceholders[\"']?\s*:\s*\{([^}]*)\}")
_PLACEHOLDER = re.compile(r"""["'](:[A-Z][0-9A-Z_]+)["']\s*:\s*("(?:[^"\\]|\\.)*"|'[^'\\]*')""")
_PREVIOUS = re.compile(r"^--! Previous: ", re.MULTILINE)


def _name(path: str) -> FileName | None:
    match = _NAME.match(path)
    if match is None:
        return None
    return FileName(
        id=path.removesuffix(".sql"),
        version=str(int(match[1])),
        sort_key=(int(match[1]),),
        name=(match[2] or match[1]).strip("-"),
        direction="up",
    )


def _headers(text: str) -> tuple[dict[str, str], int]:
    """Return the header's pairs, and its number of lines including the blank one below it."""
    values: dict[str, str] = {}
    for number, line in enumerate(text.split("\n")):
        found = _HEADER.match(line)
        if found is None:
            return values, number + (not line.strip())
        values[found[1]] = (found[2] or "").strip()
    return values, 0


def _cut(file: SourceFile) -> Sections:
    _, skipped = _headers(file.text)
    body = "\n".join(file.text.split("\n")[skipped:])
    outside = body.startswith("--! no-transaction")
    return Sections(
        up=Section(text=body, first_line=skipped + 1), whole=True, mode=Mode.AUTOCOMMIT if outside else Mode.TRANSACTION
    )


def _placeholder_values(tree: Tree, directory: str) -> dict[str, str]:
    """Return the placeholders with a value in the settings; ``!ENV`` reads the environment, which is unknown here."""
    for text in program_files.settings_texts(tree, directory, _SETTINGS):
        if found := _PLACEHOLDERS.search(_COMMENT.sub("", text)):
            pairs = (
                (name, value[1:-1] if value[0] == "'" else str(json.loads(value, strict=False)))
                for name, value in _PLACEHOLDER.findall(found[1])
            )
            return {name: value for name, value in pairs if value != "!ENV"}
    return {}


def _filled(history: History, values: dict[str, str]) -> History:
    """Return the history with each placeholder replaced, also in literals and comments, as the tool does."""
    if not values:
        return history
    names = re.compile("(?:" + "|".join(map(re.escape, values)) + r")\b")
    ups = [
        replace(item.up, text=names.sub(lambda found: values[found[0]], item.up.text))
        if isinstance(item.up, Script)
        else item.up
        for item in history.migrations
    ]
    return replace(
        history, migrations=tuple(replace(item, up=up) for item, up in zip(history.migrations, ups, strict=True))
    )


def recorded_hash(file: SourceFile) -> str | None:
    """Return the hash in a file's own header."""
    return _headers(file.text)[0].get("Hash")


def integrity_hash(previous: str | None, body: str) -> str:
    """Return a migration's hash over the previous hash and its own text."""
    text = f"{previous or ''}\n{body.strip()}".strip() + "\n"
    return "sha1:" + hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


class GraphileMigrate:
    """No down migrations; a body that starts with ``--! no-transaction`` disables the transaction."""

    name = "graphile-migrate"
    confidence = 85

    def recognises(self, tree: Tree, directory: str, names: tuple[str, ...]) -> bool:
        """Whether a numbered file has the header of the chain."""
        return any(_name(name) for name in names) and holds(tree, directory, names, _PREVIOUS)

    def load(self, tree: Tree, directory: str, settings: MigrationsTable) -> History:
        """Read the directory and verify the chain of hashes."""
        history = assemble(tree, directory, format=self.name, name=_name, paths=tree.paths(directory))
        findings: list[Finding] = []
        last: str | None = None
        for migration in history.migrations:
            file = migration.up.file
            values, skipped = _headers(file.text)
            previous = values.get("Previous", "-")
            if (None if previous == "-" else previous) != last:
                findings.append(
                    problem(
                        file,
                        CHAIN_BROKEN,
                        f"`Previous` is not the previous hash: expected `{last or '-'}`, got `{previous[:60]}`.",
                        "Run `graphile-migrate uncommit`, rebase, and commit the migration again.",
                    )
                )
            body = "\n".join(file.text.split("\n")[skipped:])
            expected = integrity_hash(None if previous == "-" else previous, body)
            if values.get("Hash") != expected and "AllowInvalidHash" not in values:
                findings.append(
                    problem(
                        file,
                        HASH_MISMATCH,
                        f"`Hash` is wrong: expected `{expected}`, got `{values.get('Hash', 'none')[:60]}`.",
                        "Restore the file as it was committed.",
                    )
                )
            last = values.get("Hash")
        given = {f":{name.removeprefix(':')}" for name in settings.placeholders}
        said = {name: value for name, value in _placeholder_values(tree, directory).items() if name not in given}
        cut = _filled(sectioned(history, _cut), said)
        cut = replace(
            cut,
            findings=(*cut.findings, *findings),
            semantics=ToolSemantics(
                how_to_disable_transaction="in a migration of its own that begins with `--! no-transaction`",
                out_of_order_behaviour="graphile-migrate skips it silently on databases that have the newer one",
            ),
        )
        return resumption.with_resumption(cut, Resumption.NEW_TRANSACTION)
