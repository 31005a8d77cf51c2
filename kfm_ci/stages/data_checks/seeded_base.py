"""Part of stage ``apply``: the base with synthetic rows, without those on which a migration fails."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from kfm_ci.evidence import data_dependence, seed
from kfm_ci.evidence.data_dependence import Dependence
from kfm_ci.evidence.model import Seeding
from kfm_ci.model import Finding, Hazard, Place, Severity
from kfm_ci.postgres.script_outcome import ScriptOutcome
from kfm_ci.rules.server.execution import DATA_DEPENDENT_FAILURE
from kfm_ci.sql import statements
from kfm_ci.stages.results import ExecutableMigration, Provisioned

_ATTEMPTS = 8
"""Number of failures after which the remaining migrations are checked without synthetic rows."""


@dataclass(slots=True, kw_only=True)
class SeededBase:
    """The synthetic rows that new migrations meet; rows on which a migration fails are restricted, then left out."""

    base: Provisioned
    unseeded: str | None
    """Database of the dry run; None: the dry run did not finish."""
    earlier: tuple[Finding, ...]
    """Findings of earlier stages."""
    seeding: Seeding | None = None
    findings: tuple[Finding, ...] = ()
    superseded: frozenset[Finding] = frozenset()
    _restricted: dict[str, frozenset[str]] = field(default_factory=dict)
    _without: set[str] = field(default_factory=set)
    _failures: int = 0
    _unseeded_only: bool = False
    _origin: str = ""

    def prepare(self) -> str:
        """Return a database to clone from, with synthetic rows if possible; it has no connections."""
        self._origin = self._seeded()
        return self._origin

    @property
    def origin(self) -> str:
        """The database to clone from."""
        return self._origin

    @property
    def reasons(self) -> dict[str, str]:
        """Return why tables have no synthetic rows, by name; ``""`` is for all others."""
        if not self.base.config.database.seed_rows:
            return {"": "`seed-rows` is 0"}
        if self._unseeded_only or self.seeding is None:
            return {"": "the migrations fail on synthetic rows"}
        without = dict.fromkeys(self._without, "a migration fails on its synthetic rows")
        return {**dict(self.seeding.unseeded), **without}

    def _seeded(self) -> str:
        base, database = self.base, self.base.config.database
        if self._unseeded_only or not database.seed_rows:
            return base.base_database
        name = base.server.create_database("seeded", template=base.base_database)
        with base.connect(name) as connection:
            seeding = seed.seed_tables(
                connection,
                seed=database.seed,
                rows=database.seed_rows,
                restricted=self._restricted,
                without=self._without,
            )
        self.seeding = self.seeding or seeding
        return name if seeding.tables else base.base_database

    def add(self, findings: Iterable[Finding]) -> None:
        """Add findings of the stage."""
        self.findings = (*self.findings, *findings)

    def replace_dry_run_finding(self, finding: Finding) -> None:
        """Add the finding on a failed migration in place of the dry run's, whose place is less exact."""
        active = [item for item in (*self.earlier, *self.findings) if item not in self.superseded]
        same = [item for item in active if (item.migration, item.hazard) == (finding.migration, finding.hazard)]
        if all(item.rule == finding.rule for item in same):
            self._supersede(same)
            self.add((finding,))

    def exclude_offending_rows(self, migration: ExecutableMigration, failed: ScriptOutcome, database: str) -> bool:
        """Report a failure that depends on rows and leave such rows out next time; False when it does not."""
        if (
            self._origin == self.base.base_database
            or self.unseeded is None
            or not data_dependence.depends_on_data(failed)
        ):
            return False
        if _depends_on_recorded_rows(migration, failed):
            self._unseeded_only = True
            self.add((_without_rows_finding(migration, failed),))
            return True
        with self.base.connect(database) as before, self.base.connect(self.unseeded) as after:
            dependence = data_dependence.diagnose(failed, before=before, after=after)
        self._report(migration, failed, dependence)
        self._failures += 1
        table = dependence.table
        restricted = self._restricted.get(table or "", frozenset())
        if table is None or table in self._without or self._failures >= _ATTEMPTS:
            self._unseeded_only = True
        elif restricted.issuperset(dependence.columns):
            self._without.add(table)
        else:
            self._restricted[table] = restricted | frozenset(dependence.columns)
        return True

    def _report(self, migration: ExecutableMigration, failed: ScriptOutcome, dependence: Dependence) -> None:
        statement = failed.statement
        line, end = (statement.line, statement.end_line) if statement else (failed.line, failed.line)
        place = Place(file=migration.up_path, line=line, column=1, end_line=end)
        # the failure confirms what the linter suspected
        self._supersede(item for item in (*self.earlier, *self.findings) if _suspects(item, place))
        reported = any(item.rule == DATA_DEPENDENT_FAILURE.id and item.place == place for item in self.findings)
        if not reported:
            finding = DATA_DEPENDENT_FAILURE.finding(
                f"{dependence.message}. The rest was checked without such rows.",
                help=dependence.help,
                place=place,
                migration=migration.id,
            )
            self.add((finding,))

    def _supersede(self, findings: Iterable[Finding]) -> None:
        old = frozenset(findings)
        self.findings = tuple(item for item in self.findings if item not in old)
        self.superseded |= old


def _suspects(item: Finding, place: Place) -> bool:
    """Whether it is the linter's suspicion of the same statement."""
    inside = (place.line or 0) <= (item.place.line or 0) <= (place.end_line or 0)
    same = item.hazard is Hazard.DATA_DEPENDENT and item.rule.startswith("squawk-")
    return same and inside and item.place.file == place.file


def _depends_on_recorded_rows(migration: ExecutableMigration, failed: ScriptOutcome) -> bool:
    """Whether the failed statement was recorded from a tool that computed it from other rows."""
    return (
        migration.up.recorded
        and failed.statement is not None
        and statements.kind(failed.statement.text) in _ROW_STATEMENTS
    )


def _without_rows_finding(migration: ExecutableMigration, failed: ScriptOutcome) -> Finding:
    return DATA_DEPENDENT_FAILURE.finding(
        f"Checked without synthetic rows: the tool's SQL depends on existing data ({failed.error}).",
        help="Review the behaviour on existing rows, which was not checked.",
        place=Place(file=migration.up_path, line=failed.statement.line if failed.statement else 1),
        migration=migration.id,
        severity=Severity.NOTE,
    )


_ROW_STATEMENTS = frozenset({"INSERT", "UPDATE", "DELETE"})
