"""Rule ``oversized-file``: file exceeds the maximum size."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.changed_files import touched
from kfm_ci.model import Finding, Hazard
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.file_finding import file_finding

OVERSIZED_FILE = RuleInfo(
    id="oversized-file",
    hazard=Hazard.FORBIDDEN_CONTENT,
    title="File exceeds the maximum size",
    why=(
        "A file of that size is usually a dump or a data load, which cannot be reviewed. It holds its"
        " locks for the whole load. Load data in batches outside of migrations."
    ),
    bad="(a migration of 30 MB, with `max-file-size = 1048576` in [policy])\n",
    good="create table widgets (id bigint generated always as identity primary key);\n",
)


class OversizedFile:
    """Compares the size of new and changed files with the policy's limit."""

    info = OVERSIZED_FILE

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a finding for each new or changed file over the limit."""
        limit = change.requirements.max_file_size
        for item in touched(change):
            size = len(item.file.data)
            if size > limit:
                yield file_finding(
                    OVERSIZED_FILE,
                    change,
                    item,
                    f"The file is too large: expected at most {limit:,} bytes, got {size:,}.",
                    help="Split the file, or load the data with a separate job; the limit is `[policy] max-file-size`.",
                )
