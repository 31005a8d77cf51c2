"""What is removed is no longer named in the repository's code."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.model import Finding, Hazard, Verdict
from kfm_ci.rules.base import Change, told
from kfm_ci.rules.removals import Removal, removals
from kfm_ci.rules.uses import Wanted, search

SHOWN = 5


class RemovedInUse:
    """The code that the pull request itself ships would fail on the new schema."""

    id = "removed-but-used"
    hazard = Hazard.BREAKS_CLIENTS
    title = "Nothing in the repository uses what is removed"
    why = (
        "A table or column that is dropped or renamed is searched for in the tracked text files, as a whole identifier. "
        "Migrations, prose, vendored, generated and binary files do not count. A column with a common name counts where "
        "the file names its table too. What is found is code that fails once the migration has run."
    )
    bad = "alter table widgets drop column colour;\n"
    good = "alter table widgets add column shade text;\n"

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield removals of what is still named somewhere, and those for which not everything could be read."""
        wanted = {item: Wanted(name=item.name, table=item.table if item.column else None) for item in removals(change)}
        if not wanted:
            return
        found = search(change, dict.fromkeys(wanted.values()))
        for item, name in wanted.items():
            places = found.places[name]
            if places or not found.whole:
                yield self._told(item, places)

    def _told(self, item: Removal, places: list[tuple[str, int]]) -> Finding:
        shown = ", ".join(f"{path}:{line}" for path, line in places[:SHOWN])
        more = f" and {len(places) - SHOWN} more" if len(places) > SHOWN else ""
        verb = "removes" if item.becomes is None else "renames"
        message = f"{verb} {item.kind} {item.shown}, which is still used: {shown}{more}"
        if not places:
            message = f"{verb} {item.kind} {item.shown}; the repository is too large to say that nothing uses it"
        return told(
            self, item.act, message,
            help=f"release an application without {item.name} first, or acknowledge that these places mean something else",
            verdict=Verdict.FACT,
        )  # fmt: skip
