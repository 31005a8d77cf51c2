"""Rule ``header-missing``: migration without a header."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.header_keys import EXAMPLE, REQUIRED, required
from kfm_ci.model import Finding, Hazard, Place
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.rule import migration_finding

HEADER_MISSING = RuleInfo(
    id="header-missing",
    hazard=Hazard.HEADER,
    title="Migration without a header",
    why=(
        "The header names the owner, the risk, the rollout and the rollback of the change. It stays "
        "with the file when the pull request is forgotten. Start the up migration with it."
    ),
    bad="create table widgets (id bigint generated always as identity primary key);\n",
    good=EXAMPLE,
)


class HeaderMissing:
    """Requires a header with owner, risk and rollback."""

    info = HEADER_MISSING

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a finding for each new migration without a required header."""
        if not required(change):
            return
        for migration in change.new:
            if migration.header is None:
                yield migration_finding(
                    HEADER_MISSING,
                    "The file does not start with a `[KFM_MIGRATION]` header.",
                    help=f"Write the header at the top with the keys {', '.join(REQUIRED)}, or run `kfm-ci new`.",
                    place=Place(file=migration.up_path, line=1, column=1),
                    migration=migration,
                )
