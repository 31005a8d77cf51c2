"""A placeholder stands for text that nobody has judged."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from kfm_ci.analysis.change import Change
from kfm_ci.analysis.changed_statements import UnreadStatement
from kfm_ci.analysis.excerpt import shown
from kfm_ci.migrations import placeholders
from kfm_ci.model import Finding, Hazard
from kfm_ci.rules.rule import finding


class UnfilledPlaceholder:
    """What another program fills in is judged as if it were a name."""

    id = "unresolved-placeholder"
    hazard = Hazard.UNANALYSABLE
    title = "What a template fills in is listed as unjudged"
    why = (
        "`{{ … }}`, `${…}`, `%(x)s` and `:x` are filled in by another program before the SQL runs. The statement is "
        "judged as if each were a plain name; what will really stand there is not known here, and the server cannot run it. "
        "Values in `[migrations.placeholders]` are put in before anything is judged or run."
    )
    bad = "alter table ${schema}.widgets add column colour text;\n"
    good = "alter table shop.widgets add column colour text;\n"

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield each file that parses only with its placeholders filled in, or not even then."""
        files: dict[str, list[UnreadStatement]] = defaultdict(list)
        for item in change.acts.unread:
            if item.kind == "placeholder":
                files[item.place.file or ""].append(item)
        for items in files.values():
            first, names = items[0], ", ".join(dict.fromkeys(name for item in items for name in item.names))
            where = f"; {len(items)} statements of the file" if len(items) > 1 else ""
            yield finding(
                self, f"holds what another program fills in, which was judged as if it were a plain name: {shown(names, 120)}{where}",
                place=first.place, migration=first.migration,
                help=f"give it a value in kfm-ci.toml: {placeholders.setting(first.names[0])}",
            )  # fmt: skip
