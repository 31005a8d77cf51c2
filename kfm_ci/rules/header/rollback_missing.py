"""Rule ``rollback-missing``: declared rollback does not exist."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.excerpt import shown
from kfm_ci.analysis.header_keys import EXAMPLE, key_place, required
from kfm_ci.analysis.version_order import comes_before
from kfm_ci.migrations.model import Command, Header, Migration, Unreadable
from kfm_ci.model import Finding, Hazard, Place, Strategy
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.rule import migration_finding
from kfm_ci.sql import statements
from kfm_ci.sql.script import Script

ROLLBACK_MISSING = RuleInfo(
    id="rollback-missing",
    hazard=Hazard.ROLLBACK_MISSING,
    title="Declared rollback does not exist",
    why=(
        "A strategy without its means is discovered during an incident. `down` needs a down migration"
        " with statements, `compensating` the name of an existing later migration, `manual` a runbook"
        " with content. Write what the strategy needs, or declare another one."
    ),
    bad=EXAMPLE.replace("rollback: down", "rollback: manual"),
    good=EXAMPLE.replace("rollback: down", "rollback: manual\n-- runbook: docs/runbooks/widgets.md"),
)


class RollbackMissing:
    """Checks that the declared rollback strategy has its script, migration or runbook."""

    info = ROLLBACK_MISSING

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a finding for each new migration without a usable rollback."""
        for migration in change.new:
            header = migration.header
            strategy = header.choice("rollback", Strategy) if header else None
            if header is None or strategy is None:
                yield from self._undeclared(change, migration)
            elif strategy == Strategy.DOWN:
                yield from self._down(change, migration, header)
            elif strategy == Strategy.COMPENSATING:
                yield from self._compensating(change, migration, header)
            elif strategy == Strategy.MANUAL:
                yield from self._manual(change, migration, header)

    def _undeclared(self, change: Change, migration: Migration) -> Iterator[Finding]:
        # a missing header has its own finding, and an external tool keeps its own down migrations
        if required(change) or not isinstance(migration.up, Script) or has_down(migration):
            return
        if not statements.of(migration.up):
            return  # an up migration without statements needs no rollback
        down = migration.down
        if down is None:
            lack = "The migration has no down migration"
        elif down.recorded:
            lack = "The tool's rollback executes no statement and reverts nothing"
        else:
            lack = f"`{shown(down.file.path, 200)}` has no statement and reverts nothing"
        yield self._finding(
            change,
            migration,
            None,
            f"{lack}, and no other rollback is declared.",
            f"Add {change.head.semantics.down_description}, or a header with `rollback: compensating` or `manual`.",
        )

    def _down(self, change: Change, migration: Migration, header: Header) -> Iterator[Finding]:
        if has_down(migration) or (migration.down is None and not isinstance(migration.up, Script)):
            return
        state = (
            "there is none" if migration.down is None else f"`{shown(migration.down.file.path, 200)}` has no statement"
        )
        yield self._finding(
            change,
            migration,
            header,
            f"`rollback: down` needs a down migration with statements, but {state}.",
            "Write the down migration, or declare `rollback: compensating` or `manual`.",
        )

    def _compensating(self, change: Change, migration: Migration, header: Header) -> Iterator[Finding]:
        name = header.values.get("compensated-by", "").strip()
        other = change.head.get(name) if name else None
        if other is not None and comes_before(migration, other):
            return
        if not name:
            problem = "`rollback: compensating` needs the key `compensated-by`."
        elif other is None:
            problem = f"`compensated-by`: there is no migration `{shown(name, 120)}`."
        else:
            problem = f"`compensated-by`: `{shown(name, 120)}` does not come later."
        yield self._finding(
            change,
            migration,
            header,
            problem,
            "Write the name of the later migration that compensates this one.",
            "compensated-by",
        )

    def _manual(self, change: Change, migration: Migration, header: Header) -> Iterator[Finding]:
        path = header.values.get("runbook", "").strip()
        problem = runbook_problem(change, path)
        if problem:
            yield self._finding(
                change,
                migration,
                header,
                problem,
                "Write the runbook, and its path from the repository's root in `runbook`.",
                "runbook",
            )

    def _finding(
        self,
        change: Change,
        migration: Migration,
        header: Header | None,
        message: str,
        help: str,
        key: str = "rollback",
    ) -> Finding:
        if header is None:
            down = migration.down
            if down is None or down.recorded:
                place = Place(file=migration.up_path, line=begins(migration))
            else:
                place = Place(file=down.file.path, line=down.first_line)
        else:
            place = key_place(migration, header, key if key in header.lines else "rollback")
        return migration_finding(
            ROLLBACK_MISSING, message, help=help, place=place, migration=migration, native_format=change.native_format
        )


def begins(migration: Migration) -> int:
    """Return the line on which a migration begins in its up file."""
    up = migration.up
    return up.line if isinstance(up, Command) else up.migration_line if up.recorded else up.first_line


def has_down(migration: Migration) -> bool:
    """Whether the down migration has at least one statement."""
    return migration.down is not None and bool(statements.of(migration.down))


def runbook_problem(change: Change, path: str) -> str | None:
    """Return why a runbook's path does not lead to text inside the repository; None when it does."""
    if not path:
        return "`rollback: manual` needs the key `runbook`."
    if path.startswith(("/", "~")) or "\\" in path or ".." in path.split("/") or ":" in path or "\0" in path:
        return f"`runbook`: expected a path inside the repository, got `{shown(path, 120)}`."
    clean = "/".join(part for part in path.split("/") if part not in {"", "."})
    if not clean or not change.tree.exists(clean):
        return f"`runbook`: there is no file `{shown(path, 120)}`."
    try:
        text = change.tree.read(clean)
    except Unreadable as error:
        return f"`runbook`: `{shown(path, 120)}` cannot be read: {shown(str(error), 120)}."
    return None if text.strip() else f"`runbook`: `{shown(path, 120)}` is empty."
