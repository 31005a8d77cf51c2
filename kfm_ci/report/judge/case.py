"""What is judged: a migration, its statements as written, and what the server did for each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from kfm_ci.evidence.model import Lock, LockMode, SchemaDiff, StatementEvidence
from kfm_ci.migrations import statements
from kfm_ci.migrations.files import Migration, Script, Statement
from kfm_ci.migrations.syntax import Node
from kfm_ci.model import Finding, Hazard, Phase, Place, Rollout, Severity, Verdict, default_severity

DOCS = "https://kfm-ci.github.io/kfm-ci/rules"
SMALL = 1_000
"""Rows below which a lock is held too shortly to matter."""
LARGE = 10_000_000
ROWS_PER_SECOND = 1_000_000
"""How fast a server reads or writes rows, in order of magnitude, for estimates."""

_ROWS = frozenset({"table", "partition", "materialized view", "foreign table"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One statement: as written, and what the server did for it."""

    seen: StatementEvidence
    text: str
    trees: tuple[Node, ...] = ()
    """Empty when it does not parse."""

    def nodes(self, *tags: str) -> Iterator[Node]:
        """Yield the nodes of the given tags."""
        for tree in self.trees:
            yield from tree.find(*tags)

    @property
    def names(self) -> frozenset[str]:
        """Names of the relations that the statement names itself, without schema."""
        return frozenset(node.text("relname") for node in self.nodes("RangeVar"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """All that one migration is judged by."""

    migration: Migration
    steps: tuple[Step, ...]
    in_transaction: bool
    rollout: Rollout | None = None
    phase: Phase | None = None
    schema_diff: SchemaDiff = SchemaDiff()
    created: frozenset[str] = frozenset()
    """``<kind> <identity>`` of what earlier migrations of the same pull request added."""
    statistics: Mapping[str, int] | None = None
    """Rows in production by schema-qualified name."""

    def find(
        self, rule: str, hazard: Hazard, message: str, *, step: Step | None, severity: Severity | None = None,
        help: str | None = None,
    ) -> Finding:  # fmt: skip
        """Return a finding at a statement, with the contract's severity unless one is given."""
        place = Place(file=self.migration.up_path)
        if step is not None:
            place = replace(place, line=step.seen.line, column=1, end_line=step.seen.end_line)
        return Finding(
            rule=rule, hazard=hazard, severity=severity or default_severity(hazard, rollout=self.rollout),
            message=message, verdict=Verdict.FACT, place=place, migration=self.migration.id, help=help,
            docs=f"{DOCS}/{rule}",
        )  # fmt: skip

    def is_new(self, name: str) -> bool:
        """Whether an object (``<kind> <identity>``) came with the same pull request, itself or what it is part of."""
        kind_less = name.partition(" ")[2]
        made = [added.partition(" ")[2] for added in self.created]
        return any(kind_less == parent or kind_less.startswith(f"{parent}.") for parent in made)

    def rows(self, relations: frozenset[str]) -> int | None:
        """Return the rows of the largest of these in production; None when that of any is unknown."""
        if self.statistics is None or not relations:
            return None
        counts = [self.statistics.get(name) for name in relations]
        known = [count for count in counts if count is not None]
        return max(known) if len(known) == len(counts) else None

    def scaled(self, hazard: Hazard, relations: frozenset[str]) -> tuple[Severity, str]:
        """Return the severity for work on these relations, and a clause about their size."""
        rows = self.rows(relations)
        base = default_severity(hazard, rollout=self.rollout)
        if rows is None:
            return base, "Its size in production is unknown."
        if rows < SMALL:
            return Severity.NOTE, f"Production has {rows:,} rows: too few to matter."
        seconds = max(1, rows // ROWS_PER_SECOND)
        severity = Severity.ERROR if rows > LARGE and self.rollout is not Rollout.WINDOW else base
        return severity, f"Production has about {rows:,} rows: {seconds:,} s or more, in order of magnitude."


def steps(migration: Migration, evidence: tuple[StatementEvidence, ...]) -> tuple[Step, ...]:
    """Return the statements of the up file with their evidence, in the order in which they ran."""
    written: dict[tuple[int, int], list[Statement]] = {}
    if isinstance(migration.up, Script):
        for statement in statements.of(migration.up):
            written.setdefault((statement.line, statement.end_line), []).append(statement)
    found = []
    for seen in evidence:
        here = written.get((seen.line, seen.end_line), [])
        # Several on one line run in the order in which they stand there.
        text = (here.pop(0) if len(here) > 1 else here[0]).text if here else ""
        try:
            trees = statements.parse(text) if text else ()
        except statements.SyntaxProblem:
            trees = ()
        found.append(Step(seen=seen, text=text, trees=trees))
    return tuple(found)


def blocking(locks: tuple[Lock, ...]) -> tuple[Lock, ...]:
    """Return the locks that ordinary statements on something older than the pull request wait for."""
    return tuple(
        lock
        for lock in locks
        if lock.preexisting
        and lock.mode.blocks
        and (lock.kind in _ROWS or lock.kind == "view")
        and not (lock.kind == "materialized view" and lock.mode is not LockMode.ACCESS_EXCLUSIVE)
    )


def bare(relation: str) -> str:
    """Return the last part of a qualified name, without quotes."""
    return relation.rpartition(".")[2].strip('"')
