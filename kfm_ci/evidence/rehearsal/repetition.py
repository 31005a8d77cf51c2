"""A data migration, run a second time: an interrupted or repeated run must not change rows again."""

from __future__ import annotations

from kfm_ci.evidence.rehearsal.model import Ground, finding
from kfm_ci.migrations import statements
from kfm_ci.migrations.files import Migration, Script
from kfm_ci.model import Finding, Outcome, Phase, Severity
from kfm_ci.postgres import apply, content
from kfm_ci.postgres.content import Content

ROWS = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE", "COPY"})
AROUND = frozenset({"SELECT", "SET", "RESET", "BEGIN", "COMMIT", "START TRANSACTION", "ANALYZE"})
"""Commands that stand in a data migration and make it none."""


def concerns(migration: Migration, script: Script) -> bool:
    """Whether a migration changes rows and nothing else, or says that this is what it is for."""
    if migration.header is not None and migration.header.choice("phase", Phase) == Phase.MIGRATE:
        return True
    kinds = {statements.kind(part.text) for part in statements.of(script)}
    return bool(kinds & ROWS) and kinds <= ROWS | AROUND


def rehearse(
    ground: Ground, database: str, migration: Migration, script: Script, *, severity: Severity
) -> Finding | None:
    """Run a script again on a copy of ``database``, where it was applied once; return what it changed, or None.

    A second run that the server refuses has changed nothing.
    """
    with ground.clone(database) as copy:
        with ground.connect(copy) as connection:
            before = content.snapshot(connection)
        with ground.connect(copy) as connection:
            done = apply.run(connection, script, entry=None)
        if done.outcome is Outcome.FAILED:
            return None
        with ground.connect(copy) as connection:
            after = content.snapshot(connection, like=before, since=before, touched=done.touched)
    changed = _changes(before, after)
    if not changed:
        return None
    return finding(
        "rerun-changes-rows", migration, script, f"run a second time it changes rows again: {'; '.join(changed[:5])}",
        help="Let each statement find only what is not done yet: update `where colour is null`; insert with "
        "`select … where not exists (select from … where …)`, or with `on conflict do nothing` where a unique key "
        "tells the rows apart.",
        severity=severity, line=script.first_line if len(statements.of(script)) != 1 else statements.of(script)[0].line,
    )  # fmt: skip


def _changes(before: Content, after: Content) -> list[str]:
    found = []
    now = {table.name: table for table in after.tables}
    for difference in content.compare(before, after).tables:
        table = before.table(difference.name)
        grown = now[table.name].rows - table.rows if table is not None and table.name in now else 0
        columns = ", ".join(difference.columns[:5])
        changed = max(difference.lost or 0, difference.gained or 0) - abs(grown)
        parts = []
        if changed > 0:
            parts.append(f"{_rows(changed)} of {difference.name} ({columns})")
        if grown:
            parts.append(f"{_rows(abs(grown))} {'more' if grown > 0 else 'fewer'} in {difference.name}")
        found += parts or [f"rows of {difference.name}"]
    return found


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"
