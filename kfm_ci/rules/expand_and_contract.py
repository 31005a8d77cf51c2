"""Between expanding and contracting lies a release."""

from __future__ import annotations

from collections.abc import Iterator

from kfm_ci.model import Finding, Hazard, Verdict
from kfm_ci.rules.acts import Act
from kfm_ci.rules.base import Change, told
from kfm_ci.rules.relations import quote, written
from kfm_ci.rules.removals import Removal, removals


class ExpandAndContract:
    """The application cannot change over in between when both happen at once."""

    id = "expand-and-contract-at-once"
    hazard = Hazard.COEXISTENCE
    title = "The same table is not expanded and contracted in one change"
    why = (
        "A column that replaces another needs a release between the two: first the new one is there beside the old, then "
        "the application uses it, then the old one goes. A pull request that adds and removes at once leaves no moment at "
        "which both releases work."
    )
    bad = "alter table widgets add column shade text;\nalter table widgets drop column colour;\n"
    good = "alter table widgets add column shade text;\n"

    def check(self, change: Change) -> Iterator[Finding]:
        """Yield removals from tables that the same change adds to, and tables that it replaces."""
        expanded: dict[str, tuple[Act, str]] = {}
        for item in change.acts.alterations("AT_AddColumn"):
            definition = item.command.one("def")
            if definition is not None and change.acts.existed(item.act, item.relation):
                shown = f"{written(item.relation)}.{quote(definition.text('colname'))}"
                expanded.setdefault(item.relation.text("relname"), (item.act, shown))
        replaced = dict(_replacements(change))
        for removal in removals(change):
            added = expanded.get(removal.table) if removal.column is not None else replaced.get(removal.table)
            if added is not None:
                yield self._told(removal, *added)

    def _told(self, removal: Removal, act: Act, added: str) -> Finding:
        where = f"line {act.line}" if act.script is removal.act.script else f"{act.migration.id}, line {act.line},"
        return told(
            self, removal.act,
            f"removes {removal.shown} while {where} adds {added}: there is no release between the two",
            help=f"merge what adds {added} now; remove {removal.shown} in a later pull request, when a release without it runs",
            verdict=Verdict.FACT,
        )  # fmt: skip


def _replacements(change: Change) -> Iterator[tuple[str, tuple[Act, str]]]:
    """Yield older tables whose rows are copied into a table that the change makes, with that table."""
    for act in change.acts.of("InsertStmt", "CreateTableAsStmt"):
        into = act.tree.one("into")
        target = act.tree.one("relation") or (into.one("rel") if into is not None else None)
        query = act.tree.one("select_stmt") or act.tree.one("query")
        if target is None or query is None or target.text("relpersistence") == "t":
            continue
        if act.tree.tag == "InsertStmt" and change.acts.existed(act, target):
            continue
        for source in query.many("from_clause"):
            for relation in source.find("RangeVar"):
                if change.acts.existed(act, relation):
                    yield relation.text("relname"), (act, written(target))
