"""What a rule is that is decided while files are read: text for people; the format that reads them names it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kfm_ci.model import Hazard, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """One thing that can be wrong with how migrations lie on the disk; its examples are read by the format."""

    id: str
    """Slug; never reused."""
    hazard: Hazard
    title: str
    """One line: what it protects."""
    why: str
    """A paragraph for the documentation page."""
    format: str
    """Format that the examples are written for."""
    severity: Severity = Severity.ERROR
    files: Mapping[str, str] = field(default_factory=dict)
    """What is there in both examples, text by path; the migrations are in ``m``."""
    breaks: Mapping[str, str]
    """Files that break it."""
    keeps: Mapping[str, str]
    """The same, done well."""

    @property
    def bad(self) -> str:
        """Return the example that breaks it as one text."""
        return _told({**self.files, **self.breaks})

    @property
    def good(self) -> str:
        """Return the example done well as one text."""
        return _told({**self.files, **self.keeps})


def _told(files: Mapping[str, str]) -> str:
    return "\n".join(f"-- {path}\n{text.rstrip()}\n" for path, text in sorted(files.items()))
