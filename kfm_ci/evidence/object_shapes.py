"""What clients rely on, before and after a migration: columns, arguments, labels, defaults, sequences, partitions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator

from kfm_ci.evidence.kept_rows import has_rows, rows_of
from kfm_ci.evidence.object_changes import ShapeChange
from kfm_ci.evidence.rollback.model import State
from kfm_ci.postgres.catalog import Catalog, ColumnIdentity, Identity
from kfm_ci.postgres.sequences import SequenceContent

_VIEWS = ("view ", "materialized view ")
_DEPENDENTS = ("trigger ", "rule ", "policy ", "privileges ")
_ROW_LEVEL = re.compile(r"^(?:.*, )?row security(?:,|$)", re.DOTALL)
_TYPE_OF_CHAR = re.compile(r"(?:character varying|varchar)(?:\(\d+\))?|text")


def _pairs(existing: Collection[str], before: Catalog, after: Catalog) -> Iterator[tuple[str, Identity, Identity]]:
    """Yield the objects whose name clients know, with their identities before and after."""
    for name, was in before.identities.items():
        now = after.identities.get(name)
        if now is not None and name in existing and now != was:
            yield name, was, now


def shapes(existing: Collection[str], before: Catalog, after: Catalog) -> Iterator[ShapeChange]:
    """Yield the views, routines and types whose columns, result, arguments, labels or base type are others."""
    for name, was, now in _pairs(existing, before, after):
        if name.startswith(_VIEWS):
            yield from _columns(name, was, now)
        elif name.startswith(("function ", "procedure ")):
            yield from _routine(name, was, now)
        elif name.startswith("domain ") and was.interface != now.interface:
            yield ShapeChange(name=name, problem=f"is based on `{now.interface[0]}` instead of `{was.interface[0]}`")
        elif name.startswith("type "):
            yield from _columns(name, was, now, what="attribute")
            for label in was.interface if not was.columns else ():
                if label not in now.interface:
                    yield ShapeChange(name=name, problem=f"no longer has the label `{label}`")


def _columns(name: str, was: Identity, now: Identity, *, what: str = "column") -> Iterator[ShapeChange]:
    for column, fact in was.facts.items():
        other = now.facts.get(column)
        if other is None:
            yield ShapeChange(name=name, problem=f"no longer has the {what} `{column}`")
        elif other.type != fact.type and not _widens(fact.type, other.type):
            yield ShapeChange(
                name=name, problem=f"has the {what} `{column}` of type `{other.type}` instead of `{fact.type}`"
            )
        elif what == "attribute" and was.oid == now.oid and other.number != fact.number:
            yield ShapeChange(name=name, problem=f"has another attribute `{column}`, without its stored values")
    order = [column for column in now.columns if column in was.columns]
    if order != [column for column in was.columns if column in now.columns]:
        yield ShapeChange(name=name, problem=f"has its {what}s in another order")
    elif len(order) == len(was.columns) and list(now.columns)[: len(order)] != order:
        yield ShapeChange(name=name, problem=f"has a new {what} before the last of the old ones", is_certain=False)


def _widens(before: str, after: str) -> bool:
    return (before, after) == ("integer", "bigint") or (
        _TYPE_OF_CHAR.fullmatch(before) is not None and after in {"text", "character varying"}
    )


def _routine(name: str, was: Identity, now: Identity) -> Iterator[ShapeChange]:
    (result, defaults, names, modes), (other, fewer, others, other_modes) = was.interface, now.interface
    if other != result:
        yield ShapeChange(name=name, problem=f"returns `{other}` instead of `{result}`")
    elif fewer < defaults:
        yield ShapeChange(name=name, problem="has fewer arguments with a default")
    elif modes != other_modes:
        yield ShapeChange(name=name, problem="has arguments of another mode")
    elif any(one and one not in others[place : place + 1] for place, one in enumerate(names)):
        yield ShapeChange(name=name, problem="has arguments with other names")


def unlogged(existing: Collection[str], before: Catalog, after: Catalog) -> Iterator[str]:
    """Yield the tables that are unlogged now."""
    for name, was, now in _pairs(existing, before, after):
        if name.startswith("table ") and was.interface[:1] == ("p",) and now.interface[:1] == ("u",):
            yield name


def defaults(existing: Collection[str], before: Catalog, after: Catalog) -> Iterator[ShapeChange]:
    """Yield the columns of tables that an INSERT may no longer omit, or no longer name."""
    for name, was, now in _pairs(existing, before, after):
        if not name.startswith("table "):
            continue
        for column, fact in was.facts.items():
            other = now.facts.get(column)
            full = f"column {name.removeprefix('table ')}.{column}"
            if other is not None and full in existing and (problem := _default(fact, other, name, after)):
                yield ShapeChange(name=full, problem=problem[0], is_certain=problem[1])


def _default(was: ColumnIdentity, now: ColumnIdentity, table: str, after: Catalog) -> tuple[str, bool] | None:
    if now.is_generated and not was.is_generated:
        return "is generated now: an `INSERT` or `UPDATE` that sets it fails", True
    if now.identity == "a" and was.identity != "a":
        return "is `GENERATED ALWAYS AS IDENTITY` now: an `INSERT` that sets it fails", False
    if was.fills_itself and not now.fills_itself:
        has_trigger = any(
            name.startswith("trigger ") and parent == table and " BEFORE INSERT" in (after.get(name) or "")
            for name, parent in after.parents.items()
        )
        if was.not_null or now.not_null:
            return "has no default: an `INSERT` that omits it fails or leaves it null", not has_trigger
        return "has no default: an `INSERT` that omits it leaves it null", False
    return None


def sequences(existing: Collection[str], before: Catalog, after: Catalog) -> Iterator[ShapeChange]:
    """Yield the sequences that end earlier, count in other steps, or return values twice."""
    for name, was, now in _pairs(existing, before, after):
        if not name.startswith("sequence ") or was.interface == now.interface:
            continue
        (kind, step, low, high, cycles), (other, new_step, new_low, new_high, new_cycles) = was.interface, now.interface
        if new_cycles and not cycles:
            yield ShapeChange(name=name, problem="starts again after its last value (`CYCLE`), with values in use")
        if new_step != step:
            yield ShapeChange(name=name, problem=f"counts by {new_step} instead of {step}")
        elif (new_high < high) if step > 0 else (new_low > low):
            problem = f"ends at {new_high if step > 0 else new_low} instead of {high if step > 0 else low}"
            yield ShapeChange(
                name=name, problem=f"{problem}{f' (`{other}` instead of `{kind}`)' if other != kind else ''}"
            )
    for name, parent in before.parents.items():
        if not name.startswith("sequence ") or name not in existing or not parent.startswith("column "):
            continue
        was_of, now_of = before.identities.get(name), after.identities.get(name)
        if was_of is None or now_of is None or was_of.oid != now_of.oid:
            continue
        if _owner(parent, before) != _owner(after.parents.get(name, ""), after):
            problem = f"is no longer owned by column `{parent.removeprefix('column ')}`"
            yield ShapeChange(name=name, problem=problem, is_certain=False)


def _owner(column: str, catalog: Catalog) -> tuple[int, int] | None:
    """Return the OID of a column's table and the number of the column."""
    table = catalog.identities.get(catalog.parents.get(column, ""))
    number = table.columns.get(column.removeprefix("column ").rpartition(".")[2]) if table is not None else None
    return (table.oid, number) if table is not None and number is not None else None


def set_back(existing: Collection[str], before: State, after: State) -> Iterator[str]:
    """Yield the sequences that will return values again, and new ones that start below the old one of their column."""
    was = {item.name: item for item in before.content.sequences}
    now = {item.name: item for item in after.content.sequences}
    owned = {
        parent: name.removeprefix("sequence ")
        for name, parent in after.catalog.parents.items()
        if name.startswith("sequence ")
    }
    for name, old in was.items():
        full = f"sequence {name}"
        if full not in existing or full not in before.catalog.identities:
            continue
        column = before.catalog.parents.get(full, "")
        served = dict.fromkeys((name, owned.get(column, name)) if column else (name,))
        for other in served:
            if other in now and (other != name or now[other] != old) and _is_behind(old, now[other]):
                yield f"sequence {other}"
                break


def _is_behind(old: SequenceContent, new: SequenceContent) -> bool:
    """Whether the next value of a sequence was returned by the old one."""
    following = new.last_value + (new.increment if new.is_called else 0)
    if not old.is_called:
        return False
    return following <= old.last_value if old.increment > 0 else following >= old.last_value


def detached(base: Catalog, before: State, after: State) -> Iterator[tuple[str, str]]:
    """Yield the partitions and child tables whose rows their parent no longer has, with the parent."""
    now = {identity.oid: (name, identity) for name, identity in after.catalog.identities.items()}
    was = {identity.oid: name for name, identity in before.catalog.identities.items()}
    base_oids = {identity.oid for identity in base.identities.values()}
    for name, identity in before.catalog.identities.items():
        if identity.oid not in base_oids or identity.oid not in now or not name.startswith("table "):
            continue
        for oid in identity.parents:
            parent = was.get(oid, "")
            served = after.catalog.identities.get(parent)
            if served is None or {served.oid, oid} & _ancestors(now[identity.oid][1], after.catalog):
                continue
            if not has_rows(rows_of(before, oid), rows_of(after, served.oid)):
                yield name, parent


def _ancestors(identity: Identity, catalog: Catalog) -> set[int]:
    by_oid = {item.oid: item for name, item in catalog.identities.items() if name.startswith("table ")}
    pending, found = list(identity.parents), set[int]()
    while pending:
        oid = pending.pop()
        if oid not in found:
            found.add(oid)
            pending += by_oid[oid].parents if oid in by_oid else ()
    return found


def dependents(existing: Collection[str], before: Catalog, after: Catalog) -> Iterator[ShapeChange]:
    """Yield the replaced relations and routines, with what depended on the old ones and was not created again."""
    was, now = dict(before.entries), dict(after.entries)
    for name, old, new in _pairs(existing, before, after):
        if old.oid == new.oid:
            continue
        lost = [
            part
            for part, parent in before.parents.items()
            if parent == name and part.startswith(_DEPENDENTS) and part not in now
        ]
        kind, _, relation = name.rpartition(" ")
        references = [
            part
            for part, text in was.items()
            if part.startswith("constraint ")
            and f" REFERENCES {relation}(" in f" {text}"
            and before.parents.get(part) in now
            and f" REFERENCES {relation}(" not in f" {now.get(part, '')}"
        ]
        if kind.endswith("table") and _ROW_LEVEL.match(was[name]) and not _ROW_LEVEL.match(now[name]):
            lost.append("row security")
        for part in (*lost, *references):
            yield ShapeChange(name=name, problem=part)
        keys = _keys(name, before) - _keys(name, after)
        for text in sorted(keys):
            yield ShapeChange(name=name, problem=f"constraint {text}", is_certain=False)
        yield from _stale_views(name, old, before, after)


def _keys(table: str, catalog: Catalog) -> Counter[str]:
    entries = dict(catalog.entries)
    parts = (part for part, parent in catalog.parents.items() if parent == table and part.startswith("constraint "))
    return Counter(entries[part] for part in parts)


def _stale_views(name: str, old: Identity, before: Catalog, after: Catalog) -> Iterator[ShapeChange]:
    """Yield the views that read the old table under its new name."""
    remains = next((other for other, item in after.identities.items() if item.oid == old.oid and other != name), None)
    if remains is None or not name.startswith("table "):
        return
    relation = remains.removeprefix("table ")
    was = dict(before.entries)
    for view, text in after.entries:
        if (
            view.startswith(_VIEWS)
            and view in was
            and was[view] != text
            and re.search(rf"\b{re.escape(relation)}\b", text)
        ):
            yield ShapeChange(name=name, problem=f"{view} (reads `{relation}`)", is_certain=False)
