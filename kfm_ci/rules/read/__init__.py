"""Rules that are decided while files are read, each by the format that reads them; ``READ`` lists them."""

from kfm_ci.rules.read.base import Read
from kfm_ci.rules.read.contents import CONTENTS
from kfm_ci.rules.read.messages import MESSAGES
from kfm_ci.rules.read.order import ORDER
from kfm_ci.rules.read.transactions import TRANSACTIONS

__all__ = ["READ", "Read"]

READ: tuple[Read, ...] = (*CONTENTS, *MESSAGES, *ORDER, *TRANSACTIONS)
"""Every one of them."""
