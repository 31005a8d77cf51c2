"""Format ``liquibase``: changesets of formatted SQL, in the order in which the changelogs include them."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace

from kfm_ci.config import MigrationsTable
from kfm_ci.migrations import header, resumption, source_files
from kfm_ci.migrations.formats import liquibase_changesets, liquibase_master, liquibase_rollbacks
from kfm_ci.migrations.formats.liquibase_changesets import Changeset
from kfm_ci.migrations.formats.liquibase_parameters import ATTRIBUTE, PARAMETER, properties, replace_parameters
from kfm_ci.migrations.layouts import program_files, program_metadata
from kfm_ci.migrations.layouts.sections import holds, problem
from kfm_ci.migrations.model import Command, History, Migration, Tool, ToolSemantics, Tree
from kfm_ci.migrations.problems.file_contents import LIQUIBASE_SPLITS_BODY, SECTION_MISSING
from kfm_ci.migrations.problems.file_order import DUPLICATE_VERSION
from kfm_ci.migrations.tools.command_lines import with_tool
from kfm_ci.migrations.tools.known_tools import KNOWN
from kfm_ci.model import Digest, Finding, Mode, Resumption
from kfm_ci.sql import statements
from kfm_ci.sql.script import Script, SourceFile
from kfm_ci.sql.tokens import Kind, tokens

FORMATTED = re.compile(r"\A\ufeff?\s*--\s*liquibase\s*formatted", re.IGNORECASE)
_CHANGESET = re.compile(
    r'^[^\S\n]*--[^\S\n]*changeset[^\S\n]+("[^"\n]+"|[^:\s][^:\n]*):[^\S\n]*("[^"\n]+"|\S+)([^\r\n]*)$',
    re.IGNORECASE | re.MULTILINE,
)
_ROLLBACK = re.compile(r"^(\s*--\s*rollback)\b(.*)$", re.IGNORECASE)
_DIRECTIVE = re.compile(
    r"^\s*--\s*(rollback|preconditions|precondition-\S+|validchecksum|comment|property|ignorelines)\b", re.IGNORECASE
)
_BLOCK = re.compile(r"/\*[ \t]*liquibase[ \t]+rollback[ \t]*\n(.*?)\*/", re.IGNORECASE | re.DOTALL)
_COMMENT = re.compile(r"('(?:[^']|'')*')|--[^\n]*|/\*.*?\*/", re.DOTALL)
_LOG = re.compile(r"(?:changelog|changeset|migrations?|master|liquibase)[^/]*\.(?:xml|ya?ml|json)$", re.IGNORECASE)
_LOOKS = 5
_PLPGSQL = re.compile(r"\$[A-Za-z_0-9]*\$")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Changeset:
    author: str
    id: str
    attributes: dict[str, str]
    text: str
    first_line: int


class Liquibase:
    """One transaction per changeset; identity is id, author and file, not the file alone."""

    name = "liquibase"
    confidence = 85

    def recognises(self, tree: Tree, directory: str, names: tuple[str, ...]) -> bool:
        """Whether a file starts as formatted SQL or is a changelog."""
        start = "" if directory in {"", "."} else f"{directory}/"
        logs = [name for name in names if _LOG.search(name)][:_LOOKS]
        return holds(tree, directory, names, FORMATTED) or any(
            liquibase_master.changelog(tree, f"{start}{name}") for name in logs
        )

    def load(self, tree: Tree, directory: str, settings: MigrationsTable) -> History:
        """Read the changelogs in order and split each into its changesets."""
        findings: list[Finding] = []
        paths, left = liquibase_master.order(tree, directory, findings)
        migrations: list[Migration] = []
        seen: dict[str, str] = {}
        values = dict(settings.placeholders)
        returning: set[str] = set()
        words: dict[str, dict[str, str]] = {}
        unreadable = False
        for path in paths:
            file = source_files.read(tree, path, findings)
            if file is None:
                unreadable = True
                continue
            # Liquibase uses the first definition of a parameter; the settings come first
            values = {**properties(file), **values}
            held: Sequence[Changeset | _Changeset] = (
                _cut(file, findings) if path.endswith(".sql") else liquibase_changesets.read(file)
            )
            for item in held:
                identity = f"{item.author}:{item.id}"
                if identity in seen and seen[identity] == path:
                    findings.append(
                        problem(
                            file,
                            DUPLICATE_VERSION,
                            f"The file defines changeset `{identity}` twice.",
                            "Give the newer changeset its own id.",
                            line=item.first_line,
                        )
                    )
                    unreadable = True
                    continue
                name = identity if identity not in seen else f"{identity}@{path}"
                seen[identity] = path
                migrations.append(
                    _foreign(file, item, name, len(migrations))
                    if isinstance(item, Changeset)
                    else _migration(file, item, name, len(migrations), values, findings)
                )
                words[migrations[-1].id] = {"changeset": item.id, "author": item.author}
                if liquibase_rollbacks.there(path, item.text):
                    returning.add(migrations[-1].id)
        others = [file for path in left if (file := source_files.read(tree, path, []))]
        history = History(
            format=self.name,
            directory=directory,
            migrations=tuple(migrations),
            findings=tuple(findings),
            unreadable=unreadable,
            other_files=tuple(others),
            semantics=ToolSemantics(
                ordered_within_file=True,
                how_to_disable_transaction="in a changeset of its own with `runInTransaction:false`",
                down_description="a `rollback` to the changeset",
                history_row_repair="Check whether the changeset is complete. If it is, run `liquibase "
                "mark-next-changeset-ran`; "
                "otherwise revert it by hand.",
                out_of_order_behaviour="Liquibase runs it after them on databases that have them, and before "
                "them on a new database",
            ),
        )
        history = resumption.with_resumption(history, Resumption.NEW_TRANSACTION)
        # only Liquibase itself turns XML, YAML or JSON into SQL
        if not any(isinstance(item.up, Command) for item in migrations):
            return history
        history = with_tool(history, _tool(tree, directory), words)
        return replace(history, migrations=tuple(_returning(item, returning) for item in history.migrations))


def _tool(tree: Tree, directory: str) -> Tool:
    """Return the command lines, with the changelog if Liquibase's own settings do not name it."""
    known = KNOWN["liquibase"]
    home = program_files.nearest_directory(tree, directory, (liquibase_master.PROPERTIES,))
    master = liquibase_master.first(tree, directory)
    if home is not None or master is None:
        return replace(known, environment=replace(known.environment, directory=home or "."))
    root = next((root for root in reversed(liquibase_master.ROOTS) if root and f"{root}/" in f"/{master}"), "")
    before, _, after = master.partition(f"{root}/") if root else ("", "", master)
    place = {"LIQUIBASE_SEARCH_PATH": f"{before}{root}" or ".", "LIQUIBASE_COMMAND_CHANGELOG_FILE": after}
    variables = {**known.environment.variables, **place}
    return replace(known, environment=replace(known.environment, variables=variables))


def _returning(item: Migration, returning: Container[str]) -> Migration:
    """Mark whether Liquibase can roll back a changeset that it runs itself."""
    return (
        replace(item, up=replace(item.up, is_reversible=item.id in returning)) if isinstance(item.up, Command) else item
    )


def _foreign(file: SourceFile, item: Changeset, name: str, number: int) -> Migration:
    return Migration(
        id=name,
        version=name,
        sort_key=(number,),
        name=item.id,
        header=program_metadata.parse(item.text, id=name, first_line=item.first_line),
        condition=liquibase_changesets.condition(file, item),
        up=Command(file=file, argv=(), directory=".", part=item.text, line=item.first_line),
    )


def _cut(file: SourceFile, findings: list[Finding]) -> list[_Changeset]:
    marks = list(_CHANGESET.finditer(file.text))
    if not marks and FORMATTED.match(file.text):
        findings.append(
            problem(
                file,
                SECTION_MISSING,
                "Liquibase runs nothing in the file: expected `--changeset author:id`, got no such line.",
                "Write `--changeset author:id` above the change.",
            )
        )
    found = []
    for number, mark in enumerate(marks):
        stop = marks[number + 1].start() if number + 1 < len(marks) else len(file.text)
        begin = min(mark.end() + 1, len(file.text))
        attributes = {key.lower(): value.strip('"') for key, value in ATTRIBUTE.findall(mark[3])}
        found.append(
            _Changeset(
                author=mark[1].strip('" '),
                id=mark[2].strip('"'),
                attributes=attributes,
                text=f"{file.text[begin:stop].rstrip()}\n",
                first_line=file.text.count("\n", 0, begin) + 1,
            )
        )
    return [
        item
        for item in found
        if liquibase_changesets.runs_here(item.attributes.get("dbms", ""))
        and item.attributes.get("ignore", "").lower() != "true"
    ]


def _migration(
    file: SourceFile, item: _Changeset, name: str, number: int, values: Mapping[str, str], findings: list[Finding]
) -> Migration:
    mode = Mode.AUTOCOMMIT if item.attributes.get("runintransaction", "true").lower() == "false" else Mode.TRANSACTION
    up_text, down_text = _ways(item.text)
    if item.attributes.get("stripcomments", "true").lower() != "false":
        up_text = _stripped(up_text)
    up_text, down_text = (
        replace_parameters(file, text, item.first_line, values, findings) for text in (up_text, down_text)
    )
    up = Script(file=file, text=up_text, first_line=item.first_line, mode=mode)
    down = (
        Script(file=file, text=down_text, first_line=item.first_line, mode=mode)
        if statements.split(down_text)
        else None
    )
    if item.attributes.get("splitstatements", "true").lower() != "false" and not item.attributes.get("enddelimiter"):
        findings += _split_statements(file, up)
    repeats = any(item.attributes.get(key, "false").lower() == "true" for key in ("runonchange", "runalways"))
    # a changeset with runOnChange is identified by its text
    identity = f"{name}@{Digest.of(up_text.encode()).hex[:8]}" if repeats else name
    return Migration(
        id=identity,
        version="" if repeats else name,
        sort_key=(number,),
        name=item.id,
        up=up,
        down=down,
        header=header.parse(up_text),
        is_repeatable=repeats,
    )


def written(script: Script) -> str | None:
    """Return the SQL of a script's changeset with its comments; None where parameters were replaced."""
    for item in _cut(script.file, []):
        if item.first_line == script.first_line:
            text = _ways(item.text)[0]
            return None if PARAMETER.search(text) else text
    return None


def _ways(text: str) -> tuple[str, str]:
    """Return the change and its rollback; each keeps its line numbers, with blank lines in place of the other."""
    block = _BLOCK.search(text)
    inside = range(0)
    if block:
        first = text.count("\n", 0, block.start(1))
        inside = range(text.count("\n", 0, block.start()), text.count("\n", 0, block.end()) + 1)
        body = range(first, first + block[1].count("\n"))
    ups, downs = [], []
    for number, line in enumerate(text.split("\n")):
        rollback = _ROLLBACK.match(line)
        if number in inside:
            ups.append("")
            downs.append(line if block and number in body else "")
        elif rollback:
            ups.append("")
            plain = rollback[2].strip().lower() not in {"not required", "empty", ""}
            downs.append(" " * len(rollback[1]) + rollback[2] if plain else "")
        else:
            ups.append("" if _DIRECTIVE.match(line) else line)
            downs.append("")
    return "\n".join(ups), "\n".join(downs)


def _stripped(text: str) -> str:
    """Remove the comments in dollar-quoted bodies, as Liquibase does before it executes them; line numbers stay."""
    pieces = []
    for token in tokens(text):
        piece = text[token.start : token.end]
        if token.kind is Kind.STRING and piece.startswith("$"):
            piece = _COMMENT.sub(lambda found: found[1] or "\n" * found[0].count("\n"), piece)
        pieces.append(piece)
    return "".join(pieces)


def _split_statements(file: SourceFile, script: Script) -> list[Finding]:
    """Yield the dollar-quoted bodies that Liquibase splits: it recognises BEGIN and END, but no dollar quotes."""
    found = []
    for part in statements.of(script):
        body = _PLPGSQL.search(part.text)
        if body is None:
            continue
        inner = part.text[body.end() :]
        begin = re.search(r"\bbegin\b", inner, re.IGNORECASE)
        cut = inner.find(";")
        if cut >= 0 and (begin is None or cut < begin.start()):
            found.append(
                problem(
                    file,
                    LIQUIBASE_SPLITS_BODY,
                    f"Liquibase splits `{statements.kind(part.text)}` at the first semicolon of its body, "
                    "because it ignores dollar quotes.",
                    f"Add `splitStatements:false` to the changeset's line above line {part.line}.",
                    line=part.line + part.text[: body.end() + cut].count("\n"),
                )
            )
    return found
