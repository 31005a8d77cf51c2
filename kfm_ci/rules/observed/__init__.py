"""Rules that a server decides: what they protect, told like those on paper; ``OBSERVED`` lists them."""

from kfm_ci.rules.observed.base import Observed
from kfm_ci.rules.observed.histories import HISTORIES
from kfm_ci.rules.observed.locks import LOCKS
from kfm_ci.rules.observed.losses import LOSSES
from kfm_ci.rules.observed.repeats import REPEATS
from kfm_ci.rules.observed.runs import RUNS

__all__ = ["OBSERVED", "Observed"]

OBSERVED: tuple[Observed, ...] = (*LOCKS, *LOSSES, *RUNS, *REPEATS, *HISTORIES)
"""Every one of them, in the order in which findings are told."""
