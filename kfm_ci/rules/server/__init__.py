"""Rules that the server decides; ``SERVER_RULES`` lists them, those of history tables included."""

from __future__ import annotations

from kfm_ci.migrations.problems.history_table import HISTORY_TABLE_RULES
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.server.declaration import DECLARATION_RULES
from kfm_ci.rules.server.execution import EXECUTION_RULES
from kfm_ci.rules.server.external_tool import TOOL_RULES
from kfm_ci.rules.server.locks import LOCK_RULES
from kfm_ci.rules.server.privileges import PRIVILEGE_RULES
from kfm_ci.rules.server.removals import REMOVAL_RULES
from kfm_ci.rules.server.replacements import REPLACEMENT_RULES
from kfm_ci.rules.server.robustness import ROBUSTNESS_RULES
from kfm_ci.rules.server.rollback import ROLLBACK_RULES
from kfm_ci.rules.server.rows import ROW_RULES
from kfm_ci.rules.server.settings import SETTINGS_RULES

SERVER_RULES: tuple[RuleInfo, ...] = (
    *LOCK_RULES,
    *REMOVAL_RULES,
    *ROW_RULES,
    *PRIVILEGE_RULES,
    *REPLACEMENT_RULES,
    *EXECUTION_RULES,
    *DECLARATION_RULES,
    *SETTINGS_RULES,
    *ROLLBACK_RULES,
    *TOOL_RULES,
    *ROBUSTNESS_RULES,
    *HISTORY_TABLE_RULES,
)
"""In the order in which findings are reported."""
