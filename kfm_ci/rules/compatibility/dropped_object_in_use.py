"""Rule ``dropped-object-in-use``: drops an object that the code still uses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kfm_ci import phrases
from kfm_ci.analysis.change import Change
from kfm_ci.analysis.code_references import Wanted
from kfm_ci.analysis.code_search import CodeUse, search
from kfm_ci.analysis.column_definitions import defined
from kfm_ci.analysis.removed_objects import Removal, removals
from kfm_ci.migrations.placeholders import MARK
from kfm_ci.model import Finding, Hazard, Severity, Verdict
from kfm_ci.rule_info import RuleInfo
from kfm_ci.rules.rule import statement_finding

SHOWN = 5


DROPPED_OBJECT_IN_USE = RuleInfo(
    id="dropped-object-in-use",
    hazard=Hazard.BREAKS_CLIENTS,
    title="Drops an object that the code still uses",
    why=(
        "kfm-ci searches the tracked code for a dropped or renamed table or column as a whole identifier. "
        "SQL, mapped classes and ORM calls are errors; other mentions are warnings, and plain words are "
        "notes. Remove the uses in an earlier release."
    ),
    severities=(
        Severity.ERROR,
        Severity.WARNING,
        Severity.NOTE,
    ),
    bad="alter table widgets drop column colour;\n",
    good="alter table widgets add column shade text;\n",
)


class DroppedObjectInUse:
    """Searches the repository's code for dropped and renamed tables and columns."""

    info = DROPPED_OBJECT_IN_USE

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield a finding for each removed object that the code uses, and for an incomplete search."""
        gone = [
            item
            for item in removals(change)
            if not change.statements.is_recreated(item.statement, item.parts, *([item.column] if item.column else []))
        ]
        if not gone:
            return
        owners = defined(change, frozenset(item.column for item in gone if item.column is not None))
        wanted = [_wanted(item, owners) for item in gone]
        found = search(change, dict.fromkeys(wanted))
        for item, name in zip(gone, wanted, strict=True):
            places = sorted(found.places[name], key=lambda use: not use.sure)
            if places or not found.whole:
                yield self._finding(item, places, is_specific=name.is_specific)

    def _finding(self, item: Removal, places: list[CodeUse], *, is_specific: bool) -> Finding:
        # a repository that was not searched completely may contain uses
        sure = not places or places[0].sure
        places = [use for use in places if use.sure is sure]
        shown = phrases.listed([f"{use.path}:{use.line}" for use in places], SHOWN)
        verb = "removes" if item.becomes is None else "renames"
        used = "which is still used" if sure else "which may still be used unless these mean another object"
        message = f"The statement {verb} {item.kind} `{item.shown}`, {used}: {shown}."
        if not places:
            message = (
                f"The statement {verb} {item.kind} `{item.shown}`; the repository is too large to search for all uses."
            )
        return statement_finding(
            DROPPED_OBJECT_IN_USE,
            item.statement,
            message,
            help=f"Release an application without `{item.name}` first, or acknowledge that these places mean "
            "another object.",
            severity=None if sure else Severity.WARNING if is_specific else Severity.NOTE,
            verdict=Verdict.FACT,
        )


def _wanted(item: Removal, owners: Mapping[str, Mapping[str, str]]) -> Wanted:
    schema = item.parts[0] if len(item.parts) > 1 and MARK not in item.parts[0] else None
    if item.column is None:
        return Wanted(item.name, schema=schema)
    return Wanted(item.name, item.table, shared=bool(owners[item.column].keys() - {item.table}), schema=schema)
