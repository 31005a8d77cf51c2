"""A second run of a data migration: a repeated or interrupted run must not change rows again."""

from __future__ import annotations

from kfm_ci.evidence.robustness import idempotent_sql
from kfm_ci.evidence.robustness.model import script_finding
from kfm_ci.evidence.robustness.replay import Replay, open_replay
from kfm_ci.migrations.model import Migration
from kfm_ci.model import Finding, Mode, Outcome, Phase, Severity
from kfm_ci.postgres import data_checksums, run_script
from kfm_ci.postgres.data_checksums import Content
from kfm_ci.rules.server.robustness import RERUN_CHANGES_ROWS
from kfm_ci.sql import statements, transactions
from kfm_ci.sql.script import Script

ROW_COMMANDS = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE", "COPY"})
OTHER_COMMANDS = frozenset({"SELECT", "SET", "RESET", "BEGIN", "COMMIT", "START TRANSACTION", "ANALYZE"})
"""Commands that a data migration may also have."""
_SHOWN = 5
"""Tables and columns in a message."""


def is_data_migration(migration: Migration, script: Script) -> bool:
    """Whether a migration changes only rows, or declares the phase ``migrate``."""
    if migration.header is not None and migration.header.choice("phase", Phase) == Phase.MIGRATE:
        return True
    kinds = {statements.kind(part.text) for part in statements.of(script)}
    return bool(kinds & ROW_COMMANDS) and kinds <= ROW_COMMANDS | OTHER_COMMANDS


def check(replay: Replay, migration: Migration, script: Script, *, severity: Severity) -> Finding | None:
    """Run a script again after its first run; return a finding when that changes rows, or None.

    A second run that fails has changed nothing. The replay is left unchanged.
    """
    is_transactional = transactions.mode(script) is Mode.TRANSACTION
    pair = _dry_run(replay, script) if is_transactional else None
    changes = _changes(*(pair or _run_on_clone(replay, script)))
    if not changes:
        return None
    tables = {name.rpartition(".")[2].strip('"') for name, _ in changes}
    statement, tree = idempotent_sql.find_row_change(script, tables)
    has_many = len(statements.of(script)) > 1
    part = f" of line {statement.line}" if statement and has_many else ""
    effects = "; ".join(text for _, text in changes[:_SHOWN])
    return script_finding(
        RERUN_CHANGES_ROWS,
        migration,
        script,
        f"A second run{part} {effects}. It is not safe to re-run after an interruption.",
        help=idempotent_sql.remedy(tree),
        severity=severity,
        line=statement.line if statement else script.first_line,
    )


def _dry_run(replay: Replay, script: Script) -> tuple[Content, Content] | None:
    """Return the rows before and after a second run that is rolled back; None when the two cannot be compared."""
    captured: list[tuple[Content, frozenset[int] | None]] = []
    with replay.preserving_sequences():
        applied = replay.dry_run(
            script,
            lambda session, relations: captured.append((data_checksums.snapshot(session, only=relations), relations)),
        )
    was = data_checksums.snapshot(replay.session, only=captured[0][1] if captured else frozenset())
    if applied.outcome is Outcome.FAILED or not captured:
        return was, was
    after = {table.name: table for table in captured[0][0].tables}
    has_same_columns = all(
        [item.name for item in table.columns] == [item.name for item in after[table.name].columns]
        for table in was.tables
        if table.name in after
    )
    return (was, captured[0][0]) if has_same_columns else None


def _run_on_clone(replay: Replay, script: Script) -> tuple[Content, Content]:
    replay.disconnect()
    with open_replay(replay.databases, replay.database) as clone:
        before = data_checksums.snapshot(clone.session)
        applied = run_script.apply(clone.session, script, traced=True)
        if applied.outcome is Outcome.FAILED:
            return before, before
        return before, data_checksums.snapshot(clone.session, like=before, since=before, touched=applied.touched)


def _changes(before: Content, after: Content) -> list[tuple[str, str]]:
    """Return each table whose rows differ, with the effect of the second run on it."""
    found = []
    now = {table.name: table for table in after.tables}
    for difference in data_checksums.compare(before, after).tables:
        name, table = difference.name, before.table(difference.name)
        added = now[table.name].rows - table.rows if table is not None and table.name in now else 0
        changed = max(difference.lost or 0, difference.gained or 0) - abs(added)
        parts = []
        if changed > 0:
            parts.append(f"changes {_format_rows(changed)} of {name} again ({', '.join(difference.columns[:_SHOWN])})")
        if added:
            parts.append(f"leaves {_format_rows(abs(added), 'more' if added > 0 else 'fewer')} in {name}")
        found.append((name, " and ".join(parts) or f"changes rows of {name} again"))
    return found


def _format_rows(count: int, more: str = "") -> str:
    return f"{count} {more} row{'s' * (count != 1)}".replace("  ", " ")
