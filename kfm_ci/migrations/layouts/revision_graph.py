"""A graph of revisions, ordered so that each follows its dependencies."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kfm_ci.migrations.layouts.sections import problem
from kfm_ci.migrations.problems.file_order import MISSING_PARENT_REVISION
from kfm_ci.model import Finding
from kfm_ci.sql.script import SourceFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One revision of a graph."""

    id: str
    parents: tuple[str, ...]
    """Ids of the parent revisions."""
    needs: tuple[str, ...] = ()
    """Ids of other revisions that must run before it."""
    labels: tuple[str, ...] = ()
    """Labels of the branch that starts with it."""
    file: SourceFile
    name: str


def heads(nodes: Iterable[Revision]) -> list[str]:
    """Return the ids of revisions without children, sorted."""
    nodes = list(nodes)
    parents = {parent for item in nodes for parent in item.parents}
    return sorted(item.id for item in nodes if item.id not in parents)


def forked(nodes: Iterable[Revision]) -> list[str]:
    """Return the heads that share an ancestor and have no branch label, sorted; a single head is not one of them."""
    known = {item.id: item for item in nodes}
    ends = {name: _lineage(name, known) for name in heads(known.values())}

    def apart(one: str, other: str) -> bool:
        own = (ends[one] - ends[other], ends[other] - ends[one])
        return not ends[one] & ends[other] or all(any(known[name].labels for name in side) for side in own)

    return [one for one in ends if any(one != other and not apart(one, other) for other in ends)]


def _lineage(name: str, known: dict[str, Revision]) -> frozenset[str]:
    """Return a revision's id and those of its ancestors."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        one = waiting.pop()
        if one in known and one not in found:
            found.add(one)
            waiting += known[one].parents
    return frozenset(found)


def ordered(nodes: dict[str, Revision], findings: list[Finding], help: str) -> list[Revision]:
    """Return the nodes so that each follows its dependencies, else by path, and findings on those without a place."""
    done: dict[str, Revision] = {}
    waiting = dict(sorted(nodes.items(), key=lambda item: item[1].file.path))
    while waiting:
        ready = [item for item in waiting.values() if all(name in done for name in (*item.parents, *item.needs))]
        if not ready:
            item = next(iter(waiting.values()))
            missing = [name for name in (*item.parents, *item.needs) if name not in nodes]
            what = f"has the parent `{missing[0]}`, which does not exist" if missing else "is its own ancestor"
            findings.append(problem(item.file, MISSING_PARENT_REVISION, f"Revision `{item.id}` {what}.", help))
            break
        for item in ready:
            done[item.id] = waiting.pop(item.id)
    return list(done.values())
