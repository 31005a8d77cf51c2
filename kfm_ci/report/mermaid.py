"""Mermaid diagrams: changed tables with their neighbours, and blocking locks over time."""

from __future__ import annotations

from kfm_ci.evidence.model import Evidence, MigrationEvidence
from kfm_ci.evidence.tables import Table
from kfm_ci.report.escape import mermaid
from kfm_ci.report.lock_impact import Hold, all_blocking

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
    # Mermaid requires a letter or underscore first, and no dots
    flat = mermaid(text).replace(".", "_").strip("_") or "unnamed"
    return flat if flat[0].isalpha() else f"_{flat}"


def locks(evidence: Evidence) -> str | None:
    """Return a gantt chart of the blocking locks, one section per relation; None without any."""
    held: list[tuple[float, Hold, str]] = []
    offset = 0.0
    for migration in evidence.new:
        held += [(offset + hold.start_ms, hold, _short(migration)) for hold in all_blocking(migration)]
        offset += sum(statement.duration_ms for statement in migration.statements)
    if not held:
        return None
    first = min(start for start, _, _ in held)
    is_short = max(start + hold.duration_ms for start, hold, _ in held) - first < _FINE_MS
    scale = 1000 if is_short else 1  # Mermaid takes whole numbers only
    bars: dict[str, list[str]] = {}
    for start, hold, name in held:
        begin = round((start - first) * scale)
        end = max(round((start - first + hold.duration_ms) * scale), begin + 1)
        critical = "crit, " if "reads" in hold.mode.blocks else ""
        words = f"{hold.effect} - line {hold.statement.line} of {name}"
        bars.setdefault(hold.relation, []).append(f"    {words} : {critical}{begin}, {end}")
    unit = "microseconds" if is_short else "milliseconds"
    lines = [
        "gantt",
        f"    title Blocking locks, in {unit} on the throwaway server",
        "    dateFormat x",
        "    axisFormat %Q",
    ]
    for relation, entries in list(bars.items())[:_BARS]:
        lines.append(f"    section {mermaid(relation)}")
        lines.extend(entries[:_BARS])
    return "\n".join(lines)


def _short(migration: MigrationEvidence) -> str:
    return mermaid(migration.id, 40)
