"""How a tool continues after a file ends the transaction that the tool opened."""

from __future__ import annotations

from dataclasses import replace

from kfm_ci.migrations.model import History, Migration
from kfm_ci.model import Resumption
from kfm_ci.sql.script import Script
from kfm_ci.sql.transactions import may_leave


def with_resumption(history: History, how: Resumption) -> History:
    """Return the history with ``how`` set on each script that may end its tool's transaction."""

    def marked(item: Migration) -> Migration:
        up, down = item.up, item.down
        if not any(isinstance(script, Script) and may_leave(script) for script in (up, down)):
            return item
        return replace(
            item,
            up=replace(up, resumption=how) if isinstance(up, Script) else up,
            down=replace(down, resumption=how) if down else None,
        )

    return replace(history, migrations=tuple(map(marked, history.migrations)))
