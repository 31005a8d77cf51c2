"""Dangerous statements of a block or a function that the server did not run, so that their effects are unknown."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from kfm_ci.analysis import dangerous_statements
from kfm_ci.analysis.changed_statement import ChangeStatement, ExecutedStatement, UnreadStatement
from kfm_ci.analysis.changed_statements import ChangeStatements
from kfm_ci.analysis.excerpt import shown
from kfm_ci.analysis.row_changes import filtered
from kfm_ci.assess.case import split_kind, unqualified
from kfm_ci.evidence.statement_evidence import StatementEvidence
from kfm_ci.model import Finding, Hazard, Severity
from kfm_ci.rules.server.execution import DANGEROUS_STATEMENT_NOT_RUN
from kfm_ci.sql.parse_tree import Node

_FUNCTION = re.compile(r"function (?:[^\n(]*\.)?([^\n( ]+)")
_READS_ONLY = re.compile(r"\b(?:immutable|stable)\b", re.IGNORECASE)
_SENTENCE_LIMIT = 120
_ROW_CHANGES = frozenset({"UpdateStmt", "DeleteStmt", "InsertStmt", "MergeStmt"})

WITH_BODY = frozenset({"DO", "CREATE FUNCTION", "CREATE PROCEDURE"})
"""Commands that contain statements."""

Place = tuple[str, int]
"""File and line."""


@dataclass(slots=True)
class ExecutionRecord:
    """What the server recorded of the statements inside blocks and functions."""

    lines: dict[Place, set[str]] = field(default_factory=lambda: defaultdict(set))
    """By file and line of a block, the texts that ran there, without white space."""
    functions: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """By name of a function, the texts that ran in it."""

    def ran(self, statement: ChangeStatement) -> bool:
        """Whether a nested statement ran."""
        text = _plain(statement.text)
        if statement.function is not None:
            found = self.functions.get(statement.function)
            # the server reports no texts of SQL functions, whose statements all run
            return found is not None and (text in found or statement.in_sql_function)
        return text in self.lines.get((statement.script.file.path, statement.line), ())

    def ran_dynamic(self, item: UnreadStatement, static: Mapping[Place, set[str]]) -> bool:
        """Whether SQL that an expression builds ran: a text at its line that is none of the ``static`` ones."""
        if item.function is not None:
            known = {text for texts in static.values() for text in texts}
            return bool(self.functions.get(item.function, set()) - known)
        place = (item.place.file or "", item.place.line or 0)
        return bool(self.lines.get(place, set()) - static.get(place, set()))


def record(evidence: Mapping[str, tuple[StatementEvidence, ...]]) -> ExecutionRecord:
    """Return what ran, from the evidence of each up file, by path."""
    found = ExecutionRecord()
    for path, entries in evidence.items():
        for whole in entries:
            for name in whole.functions:
                found.functions[name]  # noqa: B018 - a defaultdict: the function ran, whatever is known of its texts
            for part in whole.inner:
                text = _plain(part.text or "")
                if part.within is None:
                    found.lines[path, part.line].add(text)
                elif matched := _FUNCTION.match(part.within):
                    found.functions[matched[1]].add(text)
    return found


def unexecuted(change: ChangeStatements, ran: ExecutionRecord) -> frozenset[Place]:
    """Return the places of statements inside blocks and functions that did not run."""
    places = {(item.script.file.path, item.line) for item in change.all() if item.nested and not ran.ran(item)}
    static = _static_texts(change)
    places |= {
        (item.place.file or "", item.place.line or 0)
        for item in change.unread
        if _is_nested_dynamic(item) and not ran.ran_dynamic(item, static)
    }
    return frozenset(places)


def check(
    change: ChangeStatements,
    ran: ExecutionRecord,
    applied: frozenset[str],
    *,
    observed: Sequence[Finding] = (),
    functions: frozenset[str] = frozenset(),
) -> Iterator[Finding]:
    """Yield findings on dangerous statements of applied migrations that did not run, or that a handler undid.

    ``applied``: ids of these migrations; ``observed``: the findings on what their statements did; ``functions``: names,
    without schema, of the base's functions that can change rows or objects.
    """
    facts = {(item.migration, item.hazard) for item in observed}
    nested = [item for item in change.all() if item.nested and item.migration.id in applied]
    blocks = _counts(nested, ran)
    for item in nested:
        if item.is_called and not ran.ran(item) and (called := sorted(_calls(item.tree) & functions)):
            yield _finding(item, f"{called[0]}()", Hazard.UNANALYSABLE, blocks)
        if not dangerous_statements.is_dangerous(item, change) or _is_later_row_change(item):
            continue
        hazard = dangerous_statements.hazard_of(item.tree) or Hazard.UNANALYSABLE
        if not ran.ran(item):
            yield _finding(item, shown(item.text, 80), hazard, blocks)
        elif item.is_guarded and item.tree.tag not in _ROW_CHANGES and (item.migration.id, hazard) not in facts:
            yield DANGEROUS_STATEMENT_NOT_RUN.finding(
                f"An exception handler undid `{shown(item.text, 80)}` here, or the statement did nothing.",
                hazard=hazard,
                severity=Severity.ERROR,
                place=item.place,
                migration=item.migration.id,
                help="Write the statement outside the block with the handler.",
            )
    static = _static_texts(change)
    for dynamic in change.unread:
        if (
            _is_nested_dynamic(dynamic)
            and dynamic.is_called
            and dynamic.migration.id in applied
            and not dangerous_statements.is_harmless_template(dynamic.expression or "")
            and not ran.ran_dynamic(dynamic, static)
        ):
            yield _finding(dynamic, f"execute {shown(dynamic.expression or '', 80)}", Hazard.UNANALYSABLE, blocks)


def changing_functions(objects: Iterable[tuple[str, str]]) -> frozenset[str]:
    """Return the names, without schema, of the functions and procedures that can change rows or objects.

    ``objects``: ``<kind> <identity>`` and definition of every object.
    """
    return frozenset(
        unqualified(identity.partition("(")[0])
        for name, definition in objects
        for kind, identity in [split_kind(name)]
        if kind in {"function", "procedure"} and not _READS_ONLY.search(definition)
    )


def _calls(tree: Node) -> set[str]:
    return {call.strings("funcname")[-1] for call in tree.find("FuncCall") if call.strings("funcname")}


def executed(
    change: ChangeStatements, evidence: Mapping[str, tuple[StatementEvidence, ...]]
) -> tuple[ExecutedStatement, ...]:
    """Return what ran inside the statements of the files, given as evidence by path, and stands in no file."""
    static = {text for texts in _static_texts(change).values() for text in texts}
    around = [item for item in change.all() if not item.nested]
    found: dict[tuple[Place, str], ExecutedStatement] = {}
    for path, entries in evidence.items():
        for whole in entries:
            outer = next((item for item in around if (item.script.file.path, item.line) == (path, whole.line)), None)
            for part in whole.inner:
                if outer is not None and part.text and _plain(part.text) not in static:
                    key = ((path, part.line), _plain(part.text))
                    found.setdefault(key, ExecutedStatement(around=outer, line=part.line, text=part.text))
    return tuple(found.values())


def with_counts(
    evidence: tuple[StatementEvidence, ...], path: str, change: ChangeStatements, ran: ExecutionRecord
) -> tuple[StatementEvidence, ...]:
    """Return the evidence of an up file with the number of statements that each block and function body ran."""
    counts = _counts([item for item in change.all() if item.nested], ran)
    return tuple(
        replace(item, executed=counts.get(f"{path}:{item.line}")) if item.kind in WITH_BODY else item
        for item in evidence
    )


def _finding(
    item: ChangeStatement | UnreadStatement, text: str, hazard: Hazard, blocks: Mapping[str, tuple[int, int]]
) -> Finding:
    why = f" It depends on `{shown(item.conditions[-1], _SENTENCE_LIMIT)}`." if item.conditions else ""
    count = blocks.get(_block(item))
    ran = f" {count[0]} of {count[1]} statements of its block ran." if count else ""
    return DANGEROUS_STATEMENT_NOT_RUN.finding(
        f"`{text}` did not run here, so its effects are not known.{why}{ran}",
        hazard=hazard,
        severity=Severity.ERROR,
        place=item.place,
        migration=item.migration.id,
        help="Move the statement out of the condition, so that it runs in every environment.",
    )


def _is_later_row_change(item: ChangeStatement) -> bool:
    """Whether a trigger or an operator changes single rows: the rows decide that later."""
    return (
        not item.is_called
        and item.tree.tag in _ROW_CHANGES
        and (item.tree.tag in {"InsertStmt", "MergeStmt"} or filtered(item.tree))
    )


def _counts(nested: list[ChangeStatement], ran: ExecutionRecord) -> dict[str, tuple[int, int]]:
    """Return by block how many of its statements ran, and how many it has."""
    counts: dict[str, tuple[int, int]] = {}
    for item in nested:
        done, every = counts.get(_block(item), (0, 0))
        counts[_block(item)] = (done + ran.ran(item), every + 1)
    return counts


def _block(item: ChangeStatement | UnreadStatement) -> str:
    return f"{item.place.file}:{item.block_line}"


def _static_texts(change: ChangeStatements) -> dict[Place, set[str]]:
    found: dict[Place, set[str]] = defaultdict(set)
    for item in change.all():
        if item.nested:
            found[item.script.file.path, item.line].add(_plain(item.text))
    return found


def _is_nested_dynamic(item: UnreadStatement) -> bool:
    return item.kind == "dynamic" and item.expression is not None and item.up


def _plain(text: str) -> str:
    """Return a text without white space and without a final semicolon."""
    return re.sub(r"\s+", "", text).rstrip(";")
