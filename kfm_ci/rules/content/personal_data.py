"""Rule ``personal-data``: personal data in a migration."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.changed_files import ChangedFile, touched
from kfm_ci.analysis.excerpt import ExcerptLines, mask
from kfm_ci.analysis.personal_data_patterns import Personal, personal_values
from kfm_ci.model import Finding, Hazard
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.file_finding import file_finding

_SIGNED = frozenset({"sqitch.plan"})
"""Files in which a tool records the author of each change."""


PERSONAL_DATA = RuleInfo(
    id="personal-data",
    hazard=Hazard.FORBIDDEN_CONTENT,
    title="Personal data in a migration",
    why=(
        "Everyone with access reads personal data in a repository, and history keeps it after it must be "
        "deleted. Example addresses, test numbers, the header's contact and fewer values than the policy's "
        "threshold are ignored. Load such rows outside the repository."
    ),
    bad="insert into contacts (email) values\n"
    "  ('anna.keller@bluewin.ch'), ('j.novak@seznam.cz'), ('tom.harris@btinternet.com');\n",
    good="insert into contacts (email) values\n  ('anna@example.com'), ('jan@example.org'), ('tom@corp.test');\n",
)


class PersonalData:
    """Counts the distinct values that look like personal data."""

    info = PERSONAL_DATA

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a finding for each new or changed file with too many such values."""
        threshold = change.requirements.personal_data_threshold
        for item in touched(change):
            if item.file.path.rpartition("/")[2] in _SIGNED:
                continue
            text = _without_header(item)
            first: dict[tuple[str, str], Personal] = {}
            for value in personal_values(text):
                first.setdefault((value.kind, value.value), value)
            if len(first) < threshold:
                continue
            lines = ExcerptLines(text)
            found = sorted(first.values(), key=lambda value: value.offset)
            counted = Counter(value.kind for value in found)
            shown = ", ".join(f"line {lines.of(value.offset)}: {mask(value.value)}" for value in found[:3])
            yield file_finding(
                PERSONAL_DATA,
                change,
                item,
                f"The file seems to contain personal data: {len(found)} distinct values"
                f" ({', '.join(f'{count} x {kind}' for kind, count in sorted(counted.items()))}); {shown}.",
                help="Use values at example.com, or load the rows from a protected place.",
                line=lines.of(found[0].offset),
            )


def _without_header(item: ChangedFile) -> str:
    header = item.migration.header if item.migration and item.migration.up_path == item.file.path else None
    if header is None:
        return item.file.text
    lines = item.file.text.split("\n")
    for index in range(max(0, header.start - 1), min(header.end, len(lines))):
        lines[index] = ""
    return "\n".join(lines)
