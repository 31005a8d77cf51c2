"""Rule ``unreadable-name``: file name without a readable description."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.excerpt import shown
from kfm_ci.model import Finding, Hazard, Place
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.rule import migration_finding

_LETTERS = 3


UNREADABLE_NAME = RuleInfo(
    id="unreadable-name",
    hazard=Hazard.NAMING,
    title="File name without a readable description",
    why=(
        "The description in the file name is what reviewers, the ledger and the on-call engineer see "
        "first. A number or two letters are useless during an incident. Name the change, such "
        "as `add_widgets_table`."
    ),
    bad="migrations/db/20260225_1200__42.up.sql\n",
    good="migrations/db/20260225_1200__add_widgets_table.up.sql\n",
)


class UnreadableName:
    """Requires words in the names of new migrations."""

    info = UNREADABLE_NAME

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a finding for each new migration whose description has fewer than three letters."""
        if not change.native_format:
            return
        for migration in change.new:
            slug = _slug(migration.id)
            letters = sum(character.isalpha() for character in slug)
            if letters < _LETTERS:
                yield migration_finding(
                    UNREADABLE_NAME,
                    f"The description `{shown(slug)}` is not readable: "
                    f"expected at least {_LETTERS} letters, got {letters}.",
                    help="Rename the file, its down migration and the header's id so that the name "
                    "describes the change.",
                    place=Place(file=migration.up_path, line=1),
                    migration=migration,
                )


def _slug(migration_id: str) -> str:
    return re.split("__", migration_id, maxsplit=1)[-1]
