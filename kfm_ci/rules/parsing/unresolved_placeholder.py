"""Rule ``unresolved-placeholder``: template placeholder without a value."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.changed_statement import UnreadStatement
from kfm_ci.analysis.excerpt import shown
from kfm_ci.migrations import placeholders
from kfm_ci.migrations.problems.file_contents import UNRESOLVED_PLACEHOLDER
from kfm_ci.model import Finding
from kfm_ci.rules.rule import migration_finding


class UnresolvedPlaceholder:
    """Finds placeholders without a value, which are checked as plain names."""

    info = UNRESOLVED_PLACEHOLDER

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield one finding for each file with such placeholders."""
        files: dict[str, list[UnreadStatement]] = defaultdict(list)
        for item in change.statements.unread:
            if item.kind == "placeholder":
                files[item.place.file or ""].append(item)
        for items in files.values():
            first, names = items[0], ", ".join(dict.fromkeys(name for item in items for name in item.names))
            where = f"; {len(items)} statements of the file" if len(items) > 1 else ""
            yield migration_finding(
                UNRESOLVED_PLACEHOLDER,
                f"The statement has placeholders without a value, checked as plain names: {shown(names, 120)}{where}.",
                place=first.place,
                migration=first.migration,
                help=f"Set `{placeholders.setting(first.names[0])}` in `kfm-ci.toml`.",
            )
