"""Rules that are decided while files are read, by the format that reads them; ``READING_RULES`` lists them."""

from __future__ import annotations

from kfm_ci.migrations.problems.file_contents import CONTENT_RULES
from kfm_ci.migrations.problems.file_order import ORDER_RULES
from kfm_ci.migrations.problems.statement_splitting import SPLITTING_RULES
from kfm_ci.migrations.problems.tool_plan import PLAN_RULES
from kfm_ci.migrations.problems.transaction_modes import TRANSACTION_RULES
from kfm_ci.rule_info import RuleInfo

READING_RULES: tuple[RuleInfo, ...] = (*CONTENT_RULES, *SPLITTING_RULES, *ORDER_RULES, *PLAN_RULES, *TRANSACTION_RULES)
