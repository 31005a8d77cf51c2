"""Rule ``server-file``: uses files or programs of the server."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.model import Finding, Hazard, Verdict
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.rule import statement_finding
from kfm_ci.sql.parse_tree import Node

_FUNCTIONS = frozenset(
    {"pg_read_file", "pg_read_binary_file", "pg_ls_dir", "pg_stat_file", "lo_import", "lo_export", "pg_file_write"}
)
_MENTION = re.compile("|".join(sorted(_FUNCTIONS)), re.IGNORECASE)


SERVER_FILE = RuleInfo(
    id="server-file",
    hazard=Hazard.PRIVILEGE,
    title="Uses files or programs of the server",
    why=(
        "`copy … from program` runs a command on the database host; `copy` from a file and functions "
        "such as `pg_read_file` read its files. Neither works for an ordinary role or on a managed "
        "database. Load data through the client."
    ),
    bad="copy widgets from program 'curl https://example.com/widgets';\n",
    good="insert into widgets (name) values ('cog'), ('wheel');\n",
)


class ServerFile:
    """Finds access to files and programs of the database host."""

    info = SERVER_FILE

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a finding for each statement that uses a file or program of the server."""
        for statement in change.statements.of("CopyStmt", downs=True):
            if statement.tree.flag("is_program") or statement.tree.text("filename"):
                what = "runs a program" if statement.tree.flag("is_program") else "uses a file"
                yield statement_finding(
                    SERVER_FILE,
                    statement,
                    f"`COPY` {what} on the database host.",
                    help="Put the rows into the migration: `insert into … values …;`.",
                    verdict=Verdict.FACT,
                )
        for statement in change.statements.mentioning(_MENTION):
            for name in sorted({_name(node) for node in statement.tree.find("FuncCall")} & _FUNCTIONS):
                yield statement_finding(
                    SERVER_FILE,
                    statement,
                    f"`{name}` accesses files on the database host.",
                    help="Put the data into the migration.",
                    verdict=Verdict.FACT,
                )


def _name(call: Node) -> str:
    return (call.strings("funcname") or ("",))[-1].lower()
