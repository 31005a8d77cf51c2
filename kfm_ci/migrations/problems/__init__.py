"""Rules that are decided while files are read, each by the format that reads them; ``READ`` lists them."""

from kfm_ci.migrations.problems.base import Read
from kfm_ci.migrations.problems.file_contents import CONTENTS
from kfm_ci.migrations.problems.file_order import ORDER
from kfm_ci.migrations.problems.statement_splitting import MESSAGES
from kfm_ci.migrations.problems.transaction_modes import TRANSACTIONS

__all__ = ["READ", "Read"]

READ: tuple[Read, ...] = (*CONTENTS, *MESSAGES, *ORDER, *TRANSACTIONS)
"""Every one of them."""
