"""A rule as one value: its id, hazard, severities and texts, imported wherever a finding of it is built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from kfm_ci.model import Finding, Hazard, Place, Rollout, Severity, Verdict, default_severity, rule_page


class DecidedBy(StrEnum):
    """What a rule needs to decide."""

    FILES = "the files"
    READING = "reading the files"
    SERVER = "the server, while the change runs"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerExample:
    """Examples of a static rule for the server, which confirms or refutes its findings."""

    base: str
    """The schema before the pull request."""
    bad: str
    """A migration that breaks the rule; the text below ``-- down:`` is its down migration."""
    good: str
    """The same change without the problem."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingExample:
    """Example directories, which a format reads; texts by path, the migrations are in ``m``."""

    format: str
    files: Mapping[str, str] = field(default_factory=dict)
    """Files of both examples."""
    breaks: Mapping[str, str]
    keeps: Mapping[str, str]

    @property
    def bad(self) -> str:
        """Return the directory that breaks the rule as one text."""
        return _joined({**self.files, **self.breaks})

    @property
    def good(self) -> str:
        """Return the directory without the problem as one text."""
        return _joined({**self.files, **self.keeps})


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleInfo:
    """One rule: everything that its page, the list of rules and its findings share."""

    id: str
    """Slug; never reused."""
    hazard: Hazard
    title: str
    """Names the problem, at most 60 characters."""
    why: str
    """A paragraph for the rule's page: what PostgreSQL does, who is affected, what to do."""
    decided_by: DecidedBy = DecidedBy.FILES
    severities: tuple[Severity, ...] = ()
    """Severities of its findings, worst first; empty: the contract's default for the hazard."""
    base: str = ""
    """The schema before the pull request, for a rule that the server decides."""
    bad: str = ""
    """A migration that breaks the rule; for the server, the text below ``-- down:`` is its down migration."""
    good: str = ""
    """The same change without the problem."""
    server_example: ServerExample | None = None
    """Examples for the server that confirms a static rule; None: the files alone decide."""
    reading_example: ReadingExample | None = None

    def finding(
        self,
        message: str,
        *,
        help: str | None = None,
        place: Place | None = None,
        migration: str | None = None,
        severity: Severity | None = None,
        verdict: Verdict = Verdict.FACT,
        hazard: Hazard | None = None,
        rollout: Rollout | None = None,
        native_format: bool = True,
    ) -> Finding:
        """Return a finding: with the severity given, else the rule's only one, else the contract's default.

        ``migration`` is an id; ``rollout`` is what that migration's header declares (None counts as safe).
        """
        kind = hazard or self.hazard
        own = self.severities[0] if len(self.severities) == 1 else None
        return Finding(
            rule=self.id,
            hazard=kind,
            severity=severity or own or default_severity(kind, rollout=rollout, native_format=native_format),
            verdict=verdict,
            message=message,
            help=help,
            place=place or Place(),
            migration=migration,
            docs=rule_page(self.id),
        )


def _joined(files: Mapping[str, str]) -> str:
    return "\n".join(f"-- {path}\n{text.rstrip()}\n" for path, text in sorted(files.items()))
