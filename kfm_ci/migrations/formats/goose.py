"""Format ``goose``: annotated files; statements end where a line ends in a semicolon."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from kfm_ci.config import MigrationsTable
from kfm_ci.migrations import placeholders, resumption
from kfm_ci.migrations.layouts import line_delimited
from kfm_ci.migrations.layouts.sections import (
    Section,
    Sections,
    between,
    everything,
    holds,
    name_findings,
    problem,
    programs,
    sectioned,
)
from kfm_ci.migrations.layouts.up_down_pairs import FileName, assemble
from kfm_ci.migrations.model import History, RowDeletion, ToolSemantics, Tree
from kfm_ci.migrations.problems.file_contents import GOOSE_ANNOTATION, SECTION_MISSING, UNRESOLVED_PLACEHOLDER
from kfm_ci.model import Finding, Mode, Resumption, Severity
from kfm_ci.sql.script import SourceFile

_NAME = re.compile(r"^([0-9]+)_([^/]*)\.sql$")
_UP = re.compile(r"^--[^\n]*\+goose\s+up\b", re.IGNORECASE | re.MULTILINE)
_ANNOTATION = re.compile(r"^--[^\n]*?\+goose[ \t]+([^\r\n]*?)[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_KNOWN = frozenset({"UP", "DOWN", "STATEMENTBEGIN", "STATEMENTEND", "NO TRANSACTION", "ENVSUB ON", "ENVSUB OFF"})

_IN_GO = re.compile(r"^\d+_.*(?<!_test)\.go$")
_OTHER = re.compile(r"[^/]+\.sql$")
_COMMENT = re.compile(r"^[ \t]*--[^\n]*$", re.MULTILINE)
_QUERY = re.compile(r"\s*select\s+(?:\d+|'[^']*')\s*;?\s*", re.IGNORECASE)
_VARIABLE = re.compile(r"\$\{([A-Za-z_]\w*)(?:(:?[-?+])([^}]*))?\}|\$([A-Za-z_]\w*)")


def _name(path: str) -> FileName | None:
    match = _NAME.match(path)
    if match is None or int(match[1]) < 1:
        return None
    number = int(match[1])
    return FileName(id=f"{match[1]}_{match[2]}", version=str(number), sort_key=(number,), name=match[2], direction="up")


def _cut(written: SourceFile, values: Mapping[str, str]) -> Sections:
    text, wrong = _filled(written, values)
    file = written if text == written.text else replace(written, text=text)
    found = [(" ".join(item[1].upper().split()), item.start(), item.end()) for item in _ANNOTATION.finditer(file.text)]
    wrong += [
        problem(
            file,
            GOOSE_ANNOTATION,
            f"goose rejects the file: expected a known annotation, got `{kind[:60]}`.",
            "Use `Up`, `Down`, `StatementBegin`, `StatementEnd`, `NO TRANSACTION` or `ENVSUB`.",
            line=file.text.count("\n", 0, start) + 1,
        )
        for kind, start, _ in found
        if kind not in _KNOWN
    ]
    marks = [mark for mark in found if mark[0] in {"UP", "DOWN"}]
    up, down = between(file.text, marks, "UP"), between(file.text, marks, "DOWN")
    if up is None:
        wrong.append(
            problem(
                file,
                SECTION_MISSING,
                "goose rejects the file: expected `-- +goose Up`, got no such line.",
                "Write `-- +goose Up` above the change.",
            )
        )
    mode = Mode.AUTOCOMMIT if any(kind == "NO TRANSACTION" for kind, _, _ in found) else Mode.TRANSACTION
    for part in (up, down):
        wrong += line_delimited.check_messages(file, part, tool="goose", mark=_ANNOTATION, mode=mode) if part else ()
    return Sections(
        up=up or everything(file), down=None if down and _unwritten(down) else down, findings=tuple(wrong), mode=mode
    )


def _unwritten(part: Section) -> bool:
    """Whether a section is the template of `goose create`, or a query of a constant in its place; both do nothing."""
    return _QUERY.fullmatch(_COMMENT.sub("", part.text)) is not None


def _filled(file: SourceFile, values: Mapping[str, str]) -> tuple[str, list[Finding]]:
    """Return the text with variables replaced line by line where ``ENVSUB`` is on, and the names without a value."""
    if "envsub" not in file.text.lower():
        return file.text, []
    missing: dict[str, int] = {}
    lines, on = [], False
    for number, line in enumerate(file.text.split("\n"), 1):
        mark = _ANNOTATION.match(line)
        if mark:
            on = {"ENVSUB ON": True, "ENVSUB OFF": False}.get(" ".join(mark[1].upper().split()), on)
        elif on:

            def value(found: re.Match[str], number: int = number) -> str:
                name, mark, default = found[1] or found[4], found[2], found[3]
                if name in values:
                    return " ".join(values[name].split("\n"))
                if mark in {"-", ":-"}:
                    return default
                missing.setdefault(name, number)
                return found[0]

            line = _VARIABLE.sub(value, line)
        lines.append(line)
    findings = [
        problem(
            file,
            UNRESOLVED_PLACEHOLDER,
            f"goose replaces `${{{name[:60]}}}` from its environment; kfm-ci did not check that value.",
            f"Set `{placeholders.setting(name)}`.",
            line=line,
            severity=Severity.WARNING,
        )
        for name, line in missing.items()
    ]
    return "\n".join(lines), findings


class Goose:
    """``<number>_name.sql`` with ``-- +goose Up``; ``NO TRANSACTION`` covers up and down."""

    name = "goose"
    confidence = 80

    def recognises(self, tree: Tree, directory: str, names: tuple[str, ...]) -> bool:
        """Whether one of the files has the annotation."""
        return any(_name(name) for name in names) and holds(tree, directory, names, _UP)

    def load(self, tree: Tree, directory: str, settings: MigrationsTable) -> History:
        """Read the directory and split each file; report migrations written in Go, because goose runs these too."""
        history = assemble(tree, directory, format=self.name, name=_name, paths=tree.paths(directory))
        history = replace(
            history,
            findings=(
                *history.findings,
                *programs(history, _IN_GO, "Go"),
                *name_findings(history, _OTHER, "`<number>_name.sql`"),
            ),
        )
        cut = sectioned(history, lambda file: _cut(file, settings.placeholders))
        return replace(
            resumption.with_resumption(cut, Resumption.BARE),
            semantics=ToolSemantics(
                row_deletion=RowDeletion(sql="delete from goose_db_version where version_id = {number}"),
                how_to_disable_transaction="in a file of its own with `-- +goose NO TRANSACTION`",
                out_of_order_behaviour="goose fails on databases that have the newer one, unless "
                "`-allow-missing` is given",
            ),
        )
