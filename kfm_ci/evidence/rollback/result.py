"""What the drill saw of one migration, as evidence and findings."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

from kfm_ci.evidence.model import RollbackEvidence
from kfm_ci.evidence.rollback import location
from kfm_ci.evidence.rollback.data_loss import DataLosses, listed
from kfm_ci.evidence.rollback.model import DrillResult, DrillSubject
from kfm_ci.evidence.schema_diff import apart, convert
from kfm_ci.evidence.statement_evidence import StatementEvidence
from kfm_ci.model import Finding, Hazard, Mode, Place, Proof, Severity, Strategy
from kfm_ci.postgres.catalog import Difference
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.header.rollback_missing import ROLLBACK_MISSING
from kfm_ci.rules.server.rollback import REAPPLY_DIFFERS, ROLLBACK_DATA_LOST, ROLLBACK_FAILED, ROLLBACK_SCHEMA_DIFFERS

_CAUSED_BY_LEFTOVERS = frozenset(
    rule.id for rule in (ROLLBACK_FAILED, ROLLBACK_SCHEMA_DIFFERS, ROLLBACK_DATA_LOST, REAPPLY_DIFFERS)
)
"""Rules whose findings can be caused by what a later rollback left behind."""

_UNDO = "Revert exactly what the up migration does: names, defaults, privileges, comments, validity."
_KEEP = (
    "Keep the old values until they are not needed (expand, migrate, contract), or declare `rollback: manual` with a "
    "runbook."
)


@dataclass(slots=True, kw_only=True)
class DrillCase:
    """What was seen so far of one migration's way back."""

    subject: DrillSubject
    native_format: bool
    tried: bool = False
    """Whether anything of the way back was run."""
    ran: bool = False
    """Whether anything of the way back was run to its end."""
    walked: bool = False
    """Whether the database stands before the migration, as far as its way back brings it."""
    inherits: bool = False
    """Whether a later way back had left something behind when this one was run."""
    applied: bool = True
    excepted: bool = False
    """Whether its compensation left something behind, as the policy lets it."""
    schema_restored: bool | None = None
    data_restored: bool | None = None
    difference: Difference = field(default_factory=Difference)
    messages: list[str] = field(default_factory=list)
    price: list[str] = field(default_factory=list)
    command: str | None = None
    mode: Mode = Mode.TRANSACTION
    statements: tuple[StatementEvidence, ...] = ()
    findings: list[Finding] = field(default_factory=list)

    @property
    def accused(self) -> bool:
        """Whether a finding on its rollback may be caused by leftovers of a later one."""
        return any(item.rule in _CAUSED_BY_LEFTOVERS for item in self.findings)

    def report(
        self,
        rule: RuleInfo,
        message: str,
        *,
        help: str,
        place: Place | None = None,
        names: Sequence[str] = (),
        hints: Collection[str] = (),
        severity: Severity | None = None,
    ) -> None:
        """Add a finding, and its message to the evidence; without a place, where the down migration has the names."""
        self.messages.append(message)
        migration, script = self.subject.migration, self.subject.script
        if place is None and script is not None:
            place = location.place(script, names, hints=hints)
        self.findings.append(
            rule.finding(
                message,
                help=help,
                place=place or Place(file=migration.up_path, line=1, column=1),
                migration=migration.id,
                severity=severity,
                native_format=self.native_format,
            )
        )

    def adds(self, rule: RuleInfo, consequence: str) -> bool:
        """Append a consequence to the finding of a rule; False when there is none."""
        for number, item in enumerate(self.findings):
            if item.rule == rule.id:
                self.findings[number] = replace(item, message=f"{item.message} {consequence}")
                self.messages.append(consequence)
                return True
        return False

    def missing(self, message: str, *, help: str) -> None:
        """Report that there is no rollback to run."""
        place = Place(file=self.subject.migration.up_path, line=1, column=1)
        self.report(ROLLBACK_MISSING, message, help=help, place=place)

    def conclude(self) -> DrillResult:
        """Return the result; proven is only what was run, looked at and found as before."""
        evidence = RollbackEvidence(
            strategy=self.subject.strategy,
            proof=self._proof(),
            schema_restored=self.schema_restored,
            data_restored=self.data_restored,
            message=" ".join(self.messages) or None,
            price=tuple(self.price),
            commands=(self.command,) if self.command else (),
            mode=self.mode,
            statements=self.statements,
            difference=convert(self.difference),
            idle=self.subject.idle,
        )
        return DrillResult(
            migration_id=self.subject.id, evidence=evidence, findings=tuple(self.findings), applied=self.applied
        )

    def _proof(self) -> Proof:
        unproven = any(
            item.hazard is Hazard.ROLLBACK_UNPROVEN and item.severity is Severity.ERROR for item in self.findings
        )
        if unproven:
            return Proof.FAILED
        if self.ran and self.schema_restored and self.data_restored:
            return Proof.PROVEN
        return Proof.NOT_RUN


def describe(difference: Difference, *, added: str = "is left behind", removed: str = "is not restored") -> str:
    """Return a difference as one line: added, missing and changed objects."""
    sentences = (
        *(f"{name} {added}" for name in difference.added),
        *(f"{name} {removed}" for name in difference.removed),
        *(
            f"{name} was {was!r} and is {now!r}"
            for name, before, after in difference.changed
            for was, now in [apart(before, after)]
        ),
    )
    return listed(sentences)


def summarise(difference: Difference) -> str:
    """Return a difference as one line of what was done so far."""
    sentences = (
        *(f"{name} is added" for name in difference.added),
        *(f"{name} is dropped" for name in difference.removed),
        *(f"{name} is changed" for name, _, _ in difference.changed),
    )
    return listed(sentences)


def accuse(
    trial: DrillCase, difference: Difference, losses: DataLosses, *, gone: Collection[str], sql: Sequence[str] = ()
) -> None:
    """Report what a way back that promised to restore everything did not restore.

    ``gone`` are all objects that are not brought back; what stood in them goes with them, and is told in one breath.
    ``sql`` makes up for the difference of the schema.
    """
    identity = trial.subject.id
    within = [loss for loss in losses.errors if frozenset(gone).issuperset(loss.names)]
    others = [loss for loss in losses.errors if loss not in within]
    if not difference.empty:
        lost = [loss.sentence for loss in within if not loss.names[0].startswith("sequence ")]
        trial.report(
            ROLLBACK_SCHEMA_DIFFERS,
            f"The rollback of `{identity}` does not restore the schema: "
            + "; ".join((describe(difference), *([listed(tuple(lost))] if lost else ())))
            + ".",
            help=_KEEP if lost else _amend(sql),
            names=difference.names,
            hints=location.hints(difference),
        )
    if others:
        trial.report(
            ROLLBACK_DATA_LOST,
            f"The rollback of `{identity}` loses or changes existing rows: "
            f"{listed(tuple(loss.sentence for loss in others))}.",
            help=_KEEP,
            names=[name for loss in others for name in loss.names],
        )


def _amend(sql: Sequence[str]) -> str:
    if not sql or any("`" in statement for statement in sql):
        return _UNDO
    return (
        f"End the rollback with {' '.join(f'`{statement}`' for statement in sql)}, or revert exactly what the up does."
    )


def command(subject: DrillSubject, *, autocommit: bool) -> str:
    """Return what a release engineer runs to take one migration back, when all later ones are; one command of a shell, or none."""
    migration, script = subject.migration, subject.down
    match subject.strategy:
        case Strategy.DOWN if script is not None:
            if script.shell_command is not None:
                return script.shell_command
            if script.text != script.file.text:
                return f"# down section of {_quote(script.file.path)}, from line {script.first_line}"
            return _psql(script.file.path, autocommit=autocommit, then=subject.forget)
        case Strategy.COMPENSATING if subject.compensation is not None:
            return _psql(subject.compensation.up_path, autocommit=autocommit)
        case Strategy.MANUAL if subject.runbook is not None:
            return f"# follow {_quote(subject.runbook.path)}"
        case Strategy.MANUAL if script is not None:
            return _psql(script.file.path, autocommit=autocommit, then=subject.forget)
        case _ if subject.idle:
            return ""
        case _:
            return f"# no rollback is written for {_quote(migration.id)}"


def _psql(path: str, *, autocommit: bool, then: str | None = None) -> str:
    # An empty startup file: a release engineer's own settings must not change what was proven.
    single = "" if autocommit else " --single-transaction"
    # The file, which is what one looks for, stands apart from the record of it.
    rest = f" --file {_quote(path)}" if then is None else f" \\\n  --file {_quote(path)} \\\n  --command {_quote(then)}"
    return f'psql "$DATABASE_URL" --no-psqlrc --set ON_ERROR_STOP=1{single}{rest}'


def _quote(text: str) -> str:
    # A comment or an argument: neither may end before its line does.
    flat = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
    if flat and all(character.isalnum() or character in "_-./:@%+=," for character in flat):
        return flat
    return "'" + flat.replace("'", "'\"'\"'") + "'"
