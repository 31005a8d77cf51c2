"""The lock timeline: one lane per relation, positions in thousandths of the migration's duration."""

from __future__ import annotations

from dataclasses import dataclass

from kfm_ci.evidence.model import MigrationEvidence
from kfm_ci.report.lock_impact import Hold, duration, holds, span

WIDTH = 1000
"""Width of the whole duration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One lock."""

    x: int
    width: int
    weight: str
    """``reads`` (blocks reads and writes), ``writes`` (blocks writes) or ``none``."""
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """The locks on one relation."""

    relation: str
    kind: str
    worst: str
    """The strongest weight of its bars."""
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """The locks of one migration."""

    total: str
    lanes: tuple[Lane, ...]


_WEIGHTS = ("none", "writes", "reads")


def draw(migration: MigrationEvidence) -> Timeline | None:
    """Return the locks on existing relations, strongest lane first; None without any. Locks on indexes are left out."""
    total = sum(statement.duration_ms for statement in migration.statements)
    found = [
        hold for hold in holds(migration.statements, migration.apply.mode) if hold.preexisting and hold.kind != "index"
    ]
    lanes: dict[str, list[Hold]] = {}
    for hold in found:
        lanes.setdefault(hold.relation, []).append(hold)
    if not lanes:
        return None
    drawn = (_lane(name, tuple(members), total) for name, members in lanes.items())
    ordered = sorted(drawn, key=lambda lane: -_WEIGHTS.index(lane.worst))
    return Timeline(total=duration(total), lanes=tuple(ordered))


def _lane(name: str, members: tuple[Hold, ...], total: float) -> Lane:
    # the weakest are drawn first, so that the strongest lie on top
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
        title=f"{hold.mode.value}: {hold.effect}, {span(hold.statement.line, hold.under[-1].end_line)}, "
        f"{duration(hold.duration_ms)}",
    )
