"""A data migration, run a second time: an interrupted or repeated run must not change rows again."""

from __future__ import annotations

from kfm_ci.evidence.robustness import idempotent_sql
from kfm_ci.evidence.robustness.model import script_finding
from kfm_ci.evidence.robustness.replay import Replay, walk
from kfm_ci.migrations.model import Migration
from kfm_ci.model import Finding, Mode, Outcome, Phase, Severity
from kfm_ci.postgres import data_checksums, run_script
from kfm_ci.postgres.data_checksums import Content
from kfm_ci.rules.server.robustness import RERUN_CHANGES_ROWS
from kfm_ci.sql import statements, transactions
from kfm_ci.sql.script import Script

ROWS = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE", "COPY"})
AROUND = frozenset({"SELECT", "SET", "RESET", "BEGIN", "COMMIT", "START TRANSACTION", "ANALYZE"})
"""Commands that stand in a data migration and make it none."""


def concerns(migration: Migration, script: Script) -> bool:
    """Whether a migration changes rows and nothing else, or says that this is what it is for."""
    if migration.header is not None and migration.header.choice("phase", Phase) == Phase.MIGRATE:
        return True
    kinds = {statements.kind(part.text) for part in statements.of(script)}
    return bool(kinds & ROWS) and kinds <= ROWS | AROUND


def rehearse(course: Replay, migration: Migration, script: Script, *, severity: Severity) -> Finding | None:
    """Run a script again where it was applied once; return what it changed, or None.

    A second run that the server refuses has changed nothing. The course is left as it is found.
    """
    pair = _rolled_back(course, script) if transactions.mode(script) is Mode.TRANSACTION else None
    changed = _changes(*(pair or _on_a_copy(course, script)))
    if not changed:
        return None
    statement, tree = idempotent_sql.culprit(script, {name.rpartition(".")[2].strip('"') for name, _ in changed})
    many = len(statements.of(script)) > 1
    told = f"A second run{f' of line {statement.line}' if statement and many else ''} "
    told += "; ".join(text for _, text in changed[:5])
    return script_finding(
        RERUN_CHANGES_ROWS,
        migration,
        script,
        f"{told}. It is not safe to re-run after an interruption.",
        help=idempotent_sql.remedy(tree),
        severity=severity,
        line=statement.line if statement else script.first_line,
    )


def _rolled_back(course: Replay, script: Script) -> tuple[Content, Content] | None:
    """Return the rows before and after a second run that is rolled back; None where the two cannot be compared."""
    tried: list[tuple[Content, frozenset[int] | None]] = []
    with course.unmoved():
        done = course.try_out(
            script, lambda session, written: tried.append((data_checksums.snapshot(session, only=written), written))
        )
    was = data_checksums.snapshot(course.session, only=tried[0][1] if tried else frozenset())
    if done.outcome is Outcome.FAILED or not tried:
        return was, was
    after = {table.name: table for table in tried[0][0].tables}
    alike = all(
        [item.name for item in table.columns] == [item.name for item in after[table.name].columns]
        for table in was.tables
        if table.name in after
    )
    return (was, tried[0][0]) if alike else None


def _on_a_copy(course: Replay, script: Script) -> tuple[Content, Content]:
    course.leave()
    with walk(course.ground, course.database) as copy:
        before = data_checksums.snapshot(copy.session)
        done = run_script.apply(copy.session, script, traced=True)
        if done.outcome is Outcome.FAILED:
            return before, before
        return before, data_checksums.snapshot(copy.session, like=before, since=before, touched=done.touched)


def _changes(before: Content, after: Content) -> list[tuple[str, str]]:
    """Return the tables whose rows differ, each with what a second run did to it."""
    found = []
    now = {table.name: table for table in after.tables}
    for difference in data_checksums.compare(before, after).tables:
        name, table = difference.name, before.table(difference.name)
        grown = now[table.name].rows - table.rows if table is not None and table.name in now else 0
        changed = max(difference.lost or 0, difference.gained or 0) - abs(grown)
        parts = []
        if changed > 0:
            parts.append(f"changes {_rows(changed)} of {name} again ({', '.join(difference.columns[:5])})")
        if grown:
            parts.append(f"leaves {_rows(abs(grown), 'more' if grown > 0 else 'fewer')} in {name}")
        found.append((name, " and ".join(parts) or f"changes rows of {name} again"))
    return found


def _rows(count: int, more: str = "") -> str:
    return f"{count} {more} row{'s' * (count != 1)}".replace("  ", " ")
