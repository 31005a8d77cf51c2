"""Mermaid diagrams: entities that changed with their neighbours, and what is locked while."""

from __future__ import annotations

from kfm_ci.evidence.model import Evidence, MigrationEvidence
from kfm_ci.evidence.tables import Table
from kfm_ci.report.escape import mermaid
from kfm_ci.report.lock_impact import Hold, waiting

_TABLES = 25
_COLUMNS = 20
_BARS = 40
_FINE_MS = 20.0
"""Shorter spans are drawn in microseconds."""


def entities(tables: tuple[Table, ...]) -> str | None:
    """Return an entity diagram, or None without tables; at most 25 tables of 20 columns each."""
    if not tables:
        return None
    shown = tables[:_TABLES]
    names = {table.name for table in shown}
    lines = ["erDiagram"]
    for table in shown:
        lines.append(f'    "{mermaid(table.name)}" {{')
        for column in table.columns[:_COLUMNS]:
            key = f" {column.key}" if column.key in {"PK", "FK"} else ""
            lines.append(f"        {_attribute(column.type)} {_attribute(column.name)}{key}")
        lines.append("    }")
    for table in shown:
        lines.extend(
            f'    "{mermaid(other)}" ||--o{{ "{mermaid(table.name)}" : has'
            for other in dict.fromkeys(table.references)
            if other in names
        )
    return "\n".join(lines)


def _attribute(text: str) -> str:
    # Mermaid wants a letter first, and no dots.
    flat = mermaid(text).replace(".", "_").strip("_") or "unnamed"
    return flat if flat[0].isalpha() else f"_{flat}"


def locks(evidence: Evidence) -> str | None:
    """Return a gantt of what makes others wait, a section a relation; None when nothing does."""
    held: list[tuple[float, Hold, str]] = []
    offset = 0.0
    for migration in evidence.new:
        held += [(offset + hold.start_ms, hold, _short(migration)) for hold in waiting(migration)]
        offset += sum(statement.duration_ms for statement in migration.statements)
    if not held:
        return None
    first = min(start for start, _, _ in held)
    fine = max(start + hold.duration_ms for start, hold, _ in held) - first < _FINE_MS
    scale = 1000 if fine else 1  # Mermaid takes whole numbers of its own milliseconds
    bars: dict[str, list[str]] = {}
    for start, hold, of in held:
        begin = round((start - first) * scale)
        end = max(round((start - first + hold.duration_ms) * scale), begin + 1)
        critical = "crit, " if "reads" in hold.mode.blocks else ""
        words = f"{hold.waits.removesuffix(' wait')} - line {hold.taken.line} of {of}"
        bars.setdefault(hold.relation, []).append(f"    {words} : {critical}{begin}, {end}")
    unit = "microseconds" if fine else "milliseconds"
    lines = [
        "gantt",
        f"    title Who waits, in {unit} on the throwaway server",
        "    dateFormat x",
        "    axisFormat %Q",
    ]
    for relation, entries in list(bars.items())[:_BARS]:
        lines.append(f"    section {mermaid(relation)}")
        lines.extend(entries[:_BARS])
    return "\n".join(lines)


def _short(migration: MigrationEvidence) -> str:
    return mermaid(migration.id, 40)
