"""Stage ``validate``: every rule that needs only files and git."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kfm_ci.config import Config
from kfm_ci.migrations import acknowledgements, statements, transactions
from kfm_ci.migrations.files import Migration, Script
from kfm_ci.model import Finding, Hazard, Place, Severity
from kfm_ci.rules import ALL, advice
from kfm_ci.rules.advice import Advice
from kfm_ci.rules.base import Change
from kfm_ci.stages.base import Failed, Run


class Validate:
    """Judges the change on paper."""

    name = "validate"

    def run(self, run: Run) -> str | None:
        """Run every rule; fails when one finds an error."""
        run.findings += findings(run.change)
        advised = advice_on(run.change, run.findings, run.policy, major=run.config.database.postgres_version)
        run.findings += advised.findings
        if advised.unchecked:
            raise advice.not_checked(advised)
        errors = sum(item.severity is Severity.ERROR for item in run.findings)
        if errors:
            raise Failed(f"{errors} error{'s' if errors > 1 else ''} on paper")
        return f"{len(run.new)} new, {len(run.change.head.migrations)} in all"


def advice_on(change: Change, ours: Sequence[Finding], policy: Config, *, major: int | None) -> Advice:
    """Return the adviser's word on what is new, where the policy asks for it and our own rules have not spoken."""
    return advice.advise(change.new, ours=ours, major=major) if policy.policy.squawk else Advice()


def findings(change: Change) -> list[Finding]:
    """Return what every rule finds in a change, each once; reading problems of files already merged are left out."""
    touched = {item.up_path for item in change.new} | {item.down.file.path for item in change.new if item.down}
    found = [
        item for item in change.head.findings if item.place.file in touched or item.place.file not in change.previous
    ]
    for rule in ALL:
        found += rule.check(change)
    for migration in change.new:
        found += _script_findings(migration)
    return list(dict.fromkeys(found))


def _script_findings(migration: Migration) -> list[Finding]:
    found: list[Finding] = []
    for script in (migration.up, migration.down):
        if not isinstance(script, Script):
            continue
        parts = statements.of(script)
        for part in parts:
            if transactions.leaves_transaction(part) and transactions.mode(script).value == "transaction":
                found.append(_finding(script, part.line, part.end_line, migration, "transaction-control", Hazard.TRANSACTION, Severity.ERROR,
                                      "the file ends the transaction that it runs in", "remove COMMIT and ROLLBACK: the runner commits the file"))  # fmt: skip
            elif part.text.startswith("\\"):
                found.append(_finding(script, part.line, part.end_line, migration, "psql-meta-command", Hazard.UNANALYSABLE, Severity.WARNING,
                                      "a psql meta-command is not SQL: the server was not asked what it does", "write plain SQL"))  # fmt: skip
        used = transactions.enum_value_used(parts)
        if used and transactions.mode(script).value == "transaction":
            found.append(_finding(script, used[0].line, used[0].end_line, migration, "enum-value-used-at-once", Hazard.TRANSACTION, Severity.WARNING,
                                  f"the enum value {used[1][:40]!r} is added and used in one transaction", "use it in a later migration"))  # fmt: skip
        for wrong in acknowledgements.find(script)[1]:
            found.append(_finding(script, wrong.line, wrong.line, migration, "malformed-acknowledgement", Hazard.HEADER, Severity.WARNING,
                                  wrong.message, wrong.help))  # fmt: skip
    return found


def _finding(
    script: Script,
    line: int,
    end: int,
    migration: Migration,
    rule: str,
    hazard: Hazard,
    severity: Severity,
    message: str,
    help: str,
) -> Finding:
    place = Place(file=script.file.path, line=line, column=1, end_line=end)
    return replace(
        Finding(rule=rule, hazard=hazard, severity=severity, message=message, help=help, place=place),
        migration=migration.id,
    )
