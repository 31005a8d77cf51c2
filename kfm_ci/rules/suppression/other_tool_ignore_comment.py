"""Rule ``other-tool-ignore-comment``: ignore comment of another linter."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.changed_files import touched
from kfm_ci.analysis.excerpt import shown
from kfm_ci.model import Finding, Hazard, Place, Severity
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.rule import migration_finding, spread

FOREIGN = re.compile(
    r"squawk-(?:ignore(?:-file)?|disable[\w-]*)|atlas:nolint|eugene:\s?ignore|pgfence-ignore|safety_assured"
    r"|migrationpilot-disable(?:-file)?|safemigrate:ignore",
)


OTHER_TOOL_IGNORE_COMMENT = RuleInfo(
    id="other-tool-ignore-comment",
    hazard=Hazard.UNANALYSABLE,
    title="Ignore comment of another linter",
    why=(
        "An ignore comment of another linter shows that a hazard was found and suppressed. It has no "
        "effect in kfm-ci. Acknowledge the hazard with a reason: `-- kfm:allow blocks-writes "
        'reason="…"`.'
    ),
    severities=(Severity.NOTE,),
    bad="-- squawk-ignore require-concurrent-index-creation\ncreate index widgets_name_idx on widgets (name);\n",
    good='-- kfm:allow blocks-writes reason="table has 40 rows in production"\n'
    "create index widgets_name_idx on widgets (name);\n",
)


class OtherToolIgnoreComment:
    """Finds the ignore comments of other linters."""

    info = OTHER_TOOL_IGNORE_COMMENT

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield one note for each file with such comments."""
        for item in touched(change):
            lines: dict[str, list[int]] = {}
            for match in FOREIGN.finditer(item.file.text):
                lines.setdefault(match.group(), []).append(item.file.text.count("\n", 0, match.start()) + 1)
            for text, found in lines.items():
                yield migration_finding(
                    OTHER_TOOL_IGNORE_COMMENT,
                    f"The ignore comment `{shown(text)}` of another tool has no effect{spread(found)}.",
                    help='Write `-- kfm:allow HAZARD reason="…"` above the statement if the hazard is accepted.',
                    place=Place(file=item.file.path, line=found[0], end_line=found[0]),
                    migration=item.migration,
                )
