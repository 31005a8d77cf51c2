"""Locks over time, as bars to draw: a lane for each relation, in tenths of a percent of the whole run."""

from __future__ import annotations

from dataclasses import dataclass

from kfm_ci.evidence.model import MigrationEvidence
from kfm_ci.report.lock_impact import Hold, duration, holds, span

WIDTH = 1000
"""What the whole time is drawn as."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One lock, drawn."""

    x: int
    width: int
    weight: str
    """``reads`` (readers and writers wait), ``writes`` (writers wait) or ``none``."""
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One relation's locks."""

    relation: str
    kind: str
    worst: str
    """The heaviest weight of its bars."""
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """What was locked while a migration ran."""

    total: str
    lanes: tuple[Lane, ...]


_WEIGHTS = ("none", "writes", "reads")


def draw(migration: MigrationEvidence) -> Timeline | None:
    """Return the locks on what existed before, heaviest lane first; None without any. Indexes share their table's."""
    total = sum(statement.duration_ms for statement in migration.statements)
    found = [
        hold for hold in holds(migration.statements, migration.apply.mode) if hold.preexisting and hold.kind != "index"
    ]
    lanes: dict[str, list[Hold]] = {}
    for hold in found:
        lanes.setdefault(hold.relation, []).append(hold)
    drawn = tuple(_lane(name, tuple(members), total) for name, members in lanes.items())
    if not drawn:
        return None
    ordered = sorted(drawn, key=lambda lane: -_WEIGHTS.index(lane.worst))
    return Timeline(total=duration(total), lanes=tuple(ordered))


def _lane(name: str, members: tuple[Hold, ...], total: float) -> Lane:
    # The weakest are drawn first, so that the heaviest lie on top.
    bars = sorted((_bar(hold, total) for hold in members), key=lambda bar: _WEIGHTS.index(bar.weight))
    return Lane(relation=name, kind=members[0].kind, worst=bars[-1].weight, bars=tuple(bars))


def _bar(hold: Hold, total: float) -> Bar:
    scale = WIDTH / total if total > 0 else 0.0
    x = min(round(hold.start_ms * scale), WIDTH - 6)
    width = min(max(round(hold.duration_ms * scale), 6), WIDTH - x) if total > 0 else WIDTH
    weight = "reads" if "reads" in hold.mode.blocks else "writes" if hold.mode.blocks else "none"
    return Bar(
        x=x,
        width=width,
        weight=weight,
        title=f"{hold.mode.value}: {hold.waits}, {span(hold.taken.line, hold.under[-1].end_line)}, "
        f"{duration(hold.duration_ms)}",
    )
