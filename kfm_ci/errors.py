"""Errors with a stable code, the expected and the actual value, and a help.

KfmError
├── UsageError      exit 2: arguments, configuration or repository layout are wrong
├── CannotCheck     exit 3: no engine, analyser crashed, evidence missing
├── Cancelled       exit 130 or 143: a signal ended the run
└── Defect          exit 70: a defect of kfm-ci
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of every command; published, never reused."""

    PASSED = 0
    REFUSED = 1
    USAGE = 2
    CANNOT_CHECK = 3
    NEEDS_ATTENTION = 4
    DEFECT = 70
    INTERRUPTED = 130
    TERMINATED = 143


@dataclass(kw_only=True)
class KfmError(Exception):
    """An error that is shown to the user without a traceback."""

    code: str
    """Stable identifier such as ``KFM-U03``; documented, never reused."""
    message: str
    """What failed: one sentence."""
    where: str | None = None
    """File, option or object of the error."""
    expected: str | None = None
    got: str | None = None
    help: str | None = None
    """What to do: one or two imperative sentences."""

    exit_code = ExitCode.DEFECT

    @property
    def code_of_exit(self) -> int:
        """Exit code of the process."""
        return int(self.exit_code)

    @property
    def sentence(self) -> str:
        """The error and its help in one line."""
        return f"{self} {self.help}" if self.help else str(self)

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        compared = ""
        if self.expected is not None or self.got is not None:
            sides = (("expected", self.expected), ("got", self.got))
            compared = f" ({', '.join(f'{name} {value}' for name, value in sides if value is not None)})"
        return f"{self.code} {place}{self.message.rstrip('.')}{compared}."


@dataclass(kw_only=True)
class UsageError(KfmError):
    """Arguments, configuration or the layout of the repository are wrong."""

    exit_code = ExitCode.USAGE


@dataclass(kw_only=True)
class CannotCheck(KfmError):
    """The gate could not be run; this is never a pass."""

    exit_code = ExitCode.CANNOT_CHECK


@dataclass(kw_only=True)
class Cancelled(KfmError):
    """A signal ended the run."""

    signal_number: int = 2

    @property
    def code_of_exit(self) -> int:
        """128 plus the signal's number, as shells report it."""
        return 128 + self.signal_number


@dataclass(kw_only=True)
class Defect(KfmError):
    """A defect of kfm-ci; the traceback goes to the log and there is no verdict."""
