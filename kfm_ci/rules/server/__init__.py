"""Rules that a server decides: what they protect, told like those on paper; ``OBSERVED`` lists them."""

from kfm_ci.rules.server.base import Observed
from kfm_ci.rules.server.execution import RUNS
from kfm_ci.rules.server.history_table import HISTORIES
from kfm_ci.rules.server.locks import LOCKS
from kfm_ci.rules.server.removals import LOSSES
from kfm_ci.rules.server.robustness import REPEATS

__all__ = ["OBSERVED", "Observed"]

OBSERVED: tuple[Observed, ...] = (*LOCKS, *LOSSES, *RUNS, *REPEATS, *HISTORIES)
"""Every one of them, in the order in which findings are told."""
