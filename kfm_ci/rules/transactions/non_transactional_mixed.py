"""Rule ``non-transactional-mixed``: non-transactional statement shares a file."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.migrations.model import Migration
from kfm_ci.model import Finding, Hazard, Mode, Place, Severity
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.rule import migration_finding
from kfm_ci.sql import statements, transactions
from kfm_ci.sql.script import Script, Statement

_COMPANY = frozenset({"SET", "RESET", "ANALYZE", "COMMENT", "SELECT", "SHOW", "DISCARD"})
"""A statement that a second run can repeat without an error."""


NON_TRANSACTIONAL_MIXED = RuleInfo(
    id="non-transactional-mixed",
    hazard=Hazard.TRANSACTION,
    title="Non-transactional statement shares a file",
    why=(
        "`create index concurrently` and similar statements cannot run in a transaction block, so the"
        " whole file runs without one. If a later statement fails, the earlier ones stay applied and "
        "a second run fails on them. Move the statement to its own file; `drop index concurrently if "
        "exists` may stand above it."
    ),
    severities=(
        Severity.ERROR,
        Severity.WARNING,
    ),
    bad="alter table widgets add column colour text;\n"
    "create index concurrently widgets_colour_idx on widgets (colour);\n",
    good="create index concurrently widgets_colour_idx on widgets (colour);\n",
)


class NonTransactionalMixed:
    """Finds files that would be partly applied after a failure."""

    info = NON_TRANSACTIONAL_MIXED

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a finding for the first non-transactional statement that shares its file."""
        for migration in change.new:
            if not isinstance(migration.up, Script) or _cannot_be(migration.up):
                continue
            if transactions.resumption(migration.up) is not None:
                continue  # reported by transaction-control
            parts = statements.of(migration.up)
            alone = [part for part in parts if transactions.requires_autocommit(part)]
            steps = [part for part in alone if not _clears(part)]
            if not alone:
                continue
            if transactions.mode(migration.up) is Mode.TRANSACTION:
                # no part of it can stay applied alone
                yield from self._not_allowed(migration, migration.up, alone[0])
                continue
            others = [part for part in parts if part not in alone and not _harmless(part)]
            if others:
                again = not change.native_format and all(_runs_again(part) for part in others)
                yield self._finding(migration, alone[0], others[0], Severity.WARNING if again else None)
            elif len(steps) > 1:
                yield self._finding(migration, steps[0], steps[1], Severity.WARNING)

    def _not_allowed(self, migration: Migration, script: Script, part: Statement) -> Iterator[Finding]:
        if script.implicit_transaction and len(statements.of(script)) == 1:
            return
        if migration.header is not None and migration.header.values.get("transaction") == "yes":
            return  # reported by header-transaction
        yield migration_finding(
            NON_TRANSACTIONAL_MIXED,
            f"{transactions.requires_autocommit(part)}, and this file runs in one.",
            help=f"Run it {migration.how_to_disable_transaction}.",
            place=_place(migration, part),
            migration=migration,
        )

    def _finding(self, migration: Migration, one: Statement, other: Statement, severity: Severity | None) -> Finding:
        return migration_finding(
            NON_TRANSACTIONAL_MIXED,
            f"`{statements.kind(one.text)}` (line {one.line}) cannot run in a transaction block, so if "
            f"`{' '.join(statements.kind(other.text).split())}` (line {other.line}) fails, the file is only "
            "partly applied.",
            help=f"Move line {other.line} to its own migration.",
            place=_place(migration, one),
            migration=migration,
            severity=severity,
        )


def _cannot_be(script: Script) -> bool:
    upper = script.text.upper()
    return not any(word in upper for word in ("CONCURRENTLY", "VACUUM", "SYSTEM", "DATABASE", "TABLESPACE", "REINDEX"))


def _clears(part: Statement) -> bool:
    text = " ".join(part.text.upper().split())
    return text.startswith("DROP INDEX") and " IF EXISTS " in text


def _runs_again(part: Statement) -> bool:
    """Whether a statement can run again, such as with `IF EXISTS`."""
    try:
        trees = statements.parse(part.text)
    except statements.SyntaxProblem:
        return False
    return all(
        all(command.flag("missing_ok") for command in tree.many("cmds"))
        if tree.tag == "AlterTableStmt"
        else any(tree.flag(word) for word in ("missing_ok", "if_not_exists", "replace"))
        for tree in trees
    )


def _harmless(part: Statement) -> bool:
    return statements.kind(part.text) in _COMPANY or transactions.controls_transaction(part)


def _place(migration: Migration, part: Statement) -> Place:
    return Place(file=migration.up_path, line=part.line, column=part.column, end_line=part.end_line)
