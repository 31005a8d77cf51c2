"""Part of stage ``apply``: the base with synthetic rows, and what is learnt from rows that a migration trips over."""

from __future__ import annotations

from dataclasses import dataclass, field

from kfm_ci.evidence import data_dependence, seed
from kfm_ci.evidence.data_dependence import Dependence
from kfm_ci.migrations.model import Migration
from kfm_ci.model import Finding, Hazard, Place, Severity, rule_page
from kfm_ci.postgres.engines.base import Server
from kfm_ci.postgres.run_script import Applied
from kfm_ci.sql import statements
from kfm_ci.sql.script import Script
from kfm_ci.stages.run import Run

_ATTEMPTS = 8
"""After so many failures the rest is judged without synthetic rows."""


@dataclass(slots=True, kw_only=True)
class SeededBase:
    """The rows that new migrations meet; those that one of them trips over are tamed, then left out, for the rest."""

    run: Run
    server: Server
    base: str
    _tame: dict[str, frozenset[str]] = field(default_factory=dict)
    _without: set[str] = field(default_factory=set)
    _failures: int = 0
    _bare: bool = False

    def prepare(self) -> str:
        """Return a database to clone from: the base, seeded; nobody is connected to it."""
        database = self.run.config.database
        if self._bare or not database.seed_rows:
            return self.base
        name = self.server.create_database("seeded", template=self.base)
        with self.run.connect(name) as connection:
            seeding = seed.sow(
                connection, seed=database.seed, rows=database.seed_rows, tame=self._tame, without=self._without
            )
        self.run.seeding = self.run.seeding or seeding
        return name if seeding.tables else self.base

    def learn(self, migration: Migration, failed: Applied, database: str) -> bool:
        """Report a failure that rows are to blame for, and take such rows away; False when they are not."""
        if self.run.origin == self.base or self.run.unseeded is None or not data_dependence.depends_on_data(failed):
            return False
        if _answered(migration, failed):
            self._bare = True
            self.run.findings.append(_unheard(migration, failed))
            return True
        with self.run.connect(database) as before, self.run.connect(self.run.unseeded) as after:
            found = data_dependence.diagnose(failed, before=before, after=after)
        self._report(migration, failed, found)
        self._failures += 1
        tame = self._tame.get(found.table or "", frozenset())
        if found.table is None or found.table in self._without or self._failures >= _ATTEMPTS:
            self._bare = True
        elif tame.issuperset(found.columns):
            self._without.add(found.table)
        else:
            self._tame[found.table] = tame | frozenset(found.columns)
        return True

    def _report(self, migration: Migration, failed: Applied, found: Dependence) -> None:
        statement = failed.statement
        line, end = (statement.line, statement.end_line) if statement else (failed.line, failed.line)
        place = Place(file=migration.up_path, line=line, column=1, end_line=end)
        # What was only suspected of the statement is now known.
        self.run.findings[:] = [item for item in self.run.findings if not _suspects(item, place)]
        said = [item for item in self.run.findings if item.rule == RULE and item.place == place]
        if not said:
            self.run.findings.append(
                Finding(
                    rule=RULE, hazard=Hazard.DATA_DEPENDENT, severity=Severity.ERROR, place=place,
                    message=f"{found.message}. What follows was judged without such rows.", help=found.help,
                    migration=migration.id, docs=rule_page(RULE),
                )
            )  # fmt: skip


def _suspects(item: Finding, place: Place) -> bool:
    """Whether squawk told the same of the same statement."""
    inside = (place.line or 0) <= (item.place.line or 0) <= (place.end_line or 0)
    told = item.hazard is Hazard.DATA_DEPENDENT and item.rule.startswith("squawk-")
    return told and inside and item.place.file == place.file


def _answered(migration: Migration, failed: Applied) -> bool:
    """Whether a statement failed that a tool wrote with what the server had told it of other rows."""
    recorded = isinstance(migration.up, Script) and migration.up.recorded
    return recorded and failed.statement is not None and statements.kind(failed.statement.text) in _ROWS


def _unheard(migration: Migration, failed: Applied) -> Finding:
    return Finding(
        rule=RULE, hazard=Hazard.DATA_DEPENDENT, severity=Severity.NOTE, migration=migration.id, docs=rule_page(RULE),
        message=f"judged without synthetic rows: the tool would have sent other rows had it met them ({failed.error})",
        help="nothing is to be done; whether the migration works on such rows was not seen",
        place=Place(file=migration.up_path, line=failed.statement.line if failed.statement else 1),
    )  # fmt: skip


_ROWS = frozenset({"INSERT", "UPDATE", "DELETE"})
RULE = "data-dependent-failure"
