"""Rule ``executable``: program or script among the migrations."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.changed_files import runs_a_tool, touched
from kfm_ci.analysis.executable_format import executable_kind
from kfm_ci.model import Finding, Hazard
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.file_finding import file_finding

EXECUTABLE = RuleInfo(
    id="executable",
    hazard=Hazard.FORBIDDEN_CONTENT,
    title="Program or script among the migrations",
    why=(
        "A migration runs in the database with its roles and locks; a program runs wherever a user "
        "starts it. The gate, the ledger and the receipt do not cover it. Move it to the deployment."
    ),
    bad='#!/bin/sh\npsql -c "update widgets set price = 0"\n',
    good="update widgets set price = 0 where price is null and id between 1 and 1000;\n",
)


class Executable:
    """Detects programs and scripts by their first bytes."""

    info = EXECUTABLE

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a finding for each new or changed file that is a program."""
        for item in touched(change):
            # migrations of some tools are scripts that the tool itself runs
            if item.migration is not None and runs_a_tool(item.migration):
                continue
            kind = executable_kind(item.file.data)
            if kind:
                yield file_finding(
                    EXECUTABLE,
                    change,
                    item,
                    f"The file is not a migration: expected SQL, got a {kind}.",
                    help="Move the program to the deployment.",
                )
