"""Rules that are decided while files are read, by the format that reads them; ``READING_RULES`` lists them."""

from __future__ import annotations

from kfm_ci.migrations.problems.file_contents import CONTENTS
from kfm_ci.migrations.problems.file_order import ORDER
from kfm_ci.migrations.problems.statement_splitting import MESSAGES
from kfm_ci.migrations.problems.transaction_modes import TRANSACTIONS
from kfm_ci.rule_info import RuleInfo

READING_RULES: tuple[RuleInfo, ...] = (*CONTENTS, *MESSAGES, *ORDER, *TRANSACTIONS)
