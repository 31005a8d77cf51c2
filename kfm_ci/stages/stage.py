"""The stage interface."""

from __future__ import annotations

from typing import Protocol

from kfm_ci.stages.run import Run


class Skip(Exception):
    """A stage has nothing to do, or what it stands on failed; the text says why."""


class Failed(Exception):
    """A stage refuses; the text says why in one line, findings say more."""


class Stage(Protocol):
    """One verb of the sentence."""

    name: str

    def run(self, run: Run) -> str | None:
        """Do it, and return a message or None; raises Skip, Failed, or a KfmError."""
        ...
