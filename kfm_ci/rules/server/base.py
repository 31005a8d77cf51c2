"""What a rule is that only a server can decide: text for people; whoever sees the evidence names it."""

from __future__ import annotations

from dataclasses import dataclass

from kfm_ci.model import Hazard, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """One thing that can be wrong with what the server did; its examples are run on a real one."""

    id: str
    """Slug; never reused."""
    hazard: Hazard
    title: str
    """One line: what it protects."""
    why: str
    """A paragraph for the documentation page."""
    severities: tuple[Severity, ...] = ()
    """Those that it is told with, worst first; empty: the contract's default for the hazard."""
    base: str = ""
    """What was there before the pull request; empty for what a migration alone cannot show."""
    bad: str = ""
    """A migration that breaks it; what stands below ``-- down:`` is its way back."""
    good: str = ""
    """The same, done well."""
