"""Rules that the server decides; ``SERVER_RULES`` lists them, those of history tables included."""

from __future__ import annotations

from kfm_ci.migrations.problems.history_table import HISTORIES
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.server.execution import RUNS
from kfm_ci.rules.server.locks import LOCKS
from kfm_ci.rules.server.removals import LOSSES
from kfm_ci.rules.server.robustness import REPEATS

SERVER_RULES: tuple[RuleInfo, ...] = (*LOCKS, *LOSSES, *RUNS, *REPEATS, *HISTORIES)
"""In the order in which findings are reported."""
