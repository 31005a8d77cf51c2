"""Values of sequences: a rollback does not reset them, so they are read and restored on their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from psycopg import Connection, sql

BATCH = 40
"""Sequences read by one statement."""

ALL = """
select pg_catalog.format('%I.%I', schemaname, sequencename), schemaname, sequencename, increment_by
  from pg_catalog.pg_sequences
 where pg_catalog.has_sequence_privilege(pg_catalog.format('%I.%I', schemaname, sequencename), 'usage')
"""
SET_VALUE = "select pg_catalog.setval(%s::pg_catalog.regclass, %s, %s)"

ADVANCE_UNUSED = """
select pg_catalog.setval(s.oid, least(greatest(s.seqstart::numeric + 999 * s.seqincrement, s.seqmin), s.seqmax)::bigint)
  from (select c.oid, q.* from pg_catalog.pg_class c join pg_catalog.pg_sequence q on q.seqrelid = c.oid
         where c.relkind = 'S' and c.relpersistence <> 't'
           and case c.relkind when 'S' then pg_catalog.pg_sequence_last_value(c.oid) end is null
           and exists (
             select from pg_catalog.pg_depend d left join pg_catalog.pg_attrdef a
                 on d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass and a.oid = d.objid
               join pg_catalog.pg_class t on t.oid = coalesce(a.adrelid, d.refobjid)
               join pg_catalog.pg_namespace n on n.oid = t.relnamespace
              where (a.oid is not null and d.refobjid = c.oid or a.oid is null and d.objid = c.oid
                     and d.deptype in ('a', 'i') and d.refobjsubid > 0)
                and quote_ident(n.nspname) || '.' || quote_ident(t.relname) = any (%s))) s
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SequenceContent:
    """The value of a sequence."""

    name: str
    """Quoted, with its schema."""
    last_value: int
    is_called: bool
    increment: int


def read(connection: Connection[Any], sequences: list[tuple[str, str, str, int]]) -> Iterator[SequenceContent]:
    """Yield the values of sequences, each given as quoted name, schema, name and increment."""
    for start in range(0, len(sequences), BATCH):
        batch = sequences[start : start + BATCH]
        query = sql.SQL(" union all ").join(
            sql.SQL("select {}::integer, last_value, is_called from {}").format(
                number, sql.Identifier(schema, relation)
            )
            for number, (_, schema, relation, _) in enumerate(batch)
        )
        for number, last_value, is_called in sorted(connection.execute(query).fetchall()):
            name, _, _, increment = batch[number]
            yield SequenceContent(name=name, last_value=last_value, is_called=is_called, increment=increment)


def read_all(connection: Connection[Any]) -> tuple[SequenceContent, ...]:
    """Return the values of all sequences that the role may use."""
    return tuple(read(connection, connection.execute(ALL).fetchall()))


def find_moved(was: Iterable[SequenceContent], now: Iterable[SequenceContent]) -> tuple[SequenceContent, ...]:
    """Return the earlier values of the sequences whose values differ."""
    there = frozenset(now)
    return tuple(sequence for sequence in was if sequence not in there)


def restore(connection: Connection[Any], was: Iterable[SequenceContent]) -> None:
    """Set sequences to their earlier values; needs UPDATE on them."""
    for sequence in was:
        connection.execute(SET_VALUE, (sequence.name, sequence.last_value, sequence.is_called))


def advance_unused(connection: Connection[Any], tables: Iterable[str]) -> None:
    """Set the sequences of these tables that returned no value yet some values ahead, as those of tables in use are."""
    connection.execute(ADVANCE_UNUSED, (list(tables),))
