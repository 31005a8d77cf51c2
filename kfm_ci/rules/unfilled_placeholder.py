"""A placeholder stands for text that nobody has judged."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.model import Finding, Hazard
from kfm_ci.rules.base import Change, finding
from kfm_ci.rules.excerpt import shown


class UnfilledPlaceholder:
    """What another program fills in is judged as if it were a name."""

    id = "placeholder"
    hazard = Hazard.UNANALYSABLE
    title = "What a template fills in is listed as unjudged"
    why = (
        "`{{ … }}`, `${…}`, `%(x)s` and `:x` are filled in by another program before the SQL runs. The statement is "
        "judged as if each were a plain name; what will really stand there is not known here."
    )
    bad = "alter table ${schema}.widgets add column colour text;\n"
    good = "alter table shop.widgets add column colour text;\n"

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield the statements that parse only with their placeholders filled in, or not even then."""
        for item in change.acts.unread:
            if item.kind == "placeholder":
                yield finding(
                    self, f"holds a placeholder that was not judged: {shown(item.reason, 120)}", place=item.place,
                    migration=item.migration, help="write the name itself, where the tool allows it",
                )  # fmt: skip
