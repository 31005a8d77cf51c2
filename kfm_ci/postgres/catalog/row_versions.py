"""Versions of catalog rows, which show the parts of a catalog that changed since it was read.

PostgreSQL never updates a catalog row of a definition in place: it writes a new row version, with the id of its
transaction, at another ctid. So a part whose row versions are equal has the same text, in a database and in its copies,
unless an object that it names changed. Objects that any other may name (schemas, roles, types, operators and the like)
have one common version; if it differs, the whole catalog is read. ``pg_depend`` lists the parts that name a changed
relation or function. Functions and types pass the change on, because a view lists the columns that they return.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

FIRST: Final = 140000
"""First supported server version: earlier ones update the flags of an index in place and cannot hash a ctid."""

COMMON: Final = 0
"""The part of objects outside relations and functions, and of those that any other may name."""

# The part of an object, given its catalog and OID.
PART: Final = """coalesce(case {0} when 'pg_class'::regclass
      then coalesce((select own.indrelid from pg_index own where own.indexrelid = {1}), {1})::bigint
    when 'pg_proc'::regclass then -{1}::bigint
    when 'pg_type'::regclass then (select own.typrelid from pg_type own where own.oid = {1})::bigint
    when 'pg_constraint'::regclass then (select own.conrelid from pg_constraint own where own.oid = {1})::bigint
    when 'pg_attrdef'::regclass then (select own.adrelid from pg_attrdef own where own.oid = {1})::bigint
    when 'pg_rewrite'::regclass then (select own.ev_class from pg_rewrite own where own.oid = {1})::bigint
    when 'pg_trigger'::regclass then (select own.tgrelid from pg_trigger own where own.oid = {1})::bigint
    when 'pg_policy'::regclass then (select own.polrelid from pg_policy own where own.oid = {1})::bigint
    when 'pg_statistic_ext'::regclass then (select own.stxrelid from pg_statistic_ext own where own.oid = {1})::bigint
    end, 0)"""

_OWNED: Final = (
    (
        "coalesce(i.indrelid, m.oid, x.oid)",
        "pg_class x left join pg_index i on i.indexrelid = x.oid"
        " left join pg_class m on m.reltoastrelid = x.oid where x.oid >= 16384",
    ),
    (
        "coalesce(i.indrelid, x.attrelid)",
        "pg_attribute x left join pg_index i on i.indexrelid = x.attrelid"
        " where x.attrelid >= 16384 and (x.attnum > 0 or x.attacl is not null)",
    ),
    ("x.adrelid", "pg_attrdef x"),
    ("x.conrelid", "pg_constraint x where x.conrelid >= 16384"),
    ("x.indrelid", "pg_index x where x.indrelid >= 16384"),
    ("coalesce(i.indrelid, x.inhrelid)", "pg_inherits x left join pg_index i on i.indexrelid = x.inhrelid"),
    ("x.tgrelid", "pg_trigger x"),
    ("x.polrelid", "pg_policy x"),
    ("x.ev_class", "pg_rewrite x where x.ev_class >= 16384"),
    ("x.partrelid", "pg_partitioned_table x"),
    ("x.ftrelid", "pg_foreign_table x"),
    ("x.seqrelid", "pg_sequence x"),
    (
        "x.objid",
        "pg_sequence s join pg_depend x on x.classid = 'pg_class'::regclass and x.objid = s.seqrelid"
        " and x.refobjsubid > 0",
    ),
    ("x.stxrelid", "pg_statistic_ext x"),
    ("x.typrelid", "pg_type x where x.oid >= 16384 and x.typrelid <> 0"),
    ("-x.oid::bigint", "pg_proc x where x.pronamespace <> 'pg_catalog'::regnamespace"),
    ("-x.aggfnoid::oid::bigint", "pg_aggregate x where x.aggfnoid >= 16384"),
    (PART.format("x.classoid", "x.objoid"), "pg_description x where x.objoid >= 16384 or x.objoid = 2200"),
)
"""Part and catalog rows of the definition of a relation or a function."""

# Array types are left out: their name follows from the element type. A new member of an extension leaves the text.
_COMMON: Final = (
    "pg_namespace x",
    "pg_type x where x.typrelid = 0 and (x.typelem = 0 or x.typcategory <> 'A' or x.typtype <> 'b')",
    "pg_enum x",
    "pg_range x",
    "pg_constraint x where x.conrelid = 0",
    "pg_proc x where x.pronamespace = 'pg_catalog'::regnamespace",
    "pg_operator x",
    "pg_opclass x",
    "pg_opfamily x",
    "pg_collation x",
    "pg_am x",
    "pg_language x",
    "pg_cast x",
    "pg_transform x",
    "pg_ts_config x",
    "pg_ts_dict x",
    "pg_ts_parser x",
    "pg_ts_template x",
    "pg_foreign_data_wrapper x",
    "pg_foreign_server x",
    "pg_tablespace x",
    "pg_depend x where x.deptype = 'e'",
    "pg_extension x",
    "pg_default_acl x",
    "pg_event_trigger x",
    "pg_publication x",
    "pg_publication_rel x",
    "pg_ts_config_map x",
)


def _rows(number: int, part: str, rows: str) -> str:
    # Rows of initdb are frozen; the age of all others is counted from one xid of this transaction.
    age = "case age(x.xmin) when 2147483647 then -1 else (select start from w) - age(x.xmin) end"
    return (
        f"select ({part})::bigint as part, hashtidextended(x.ctid, {age} + ({number}::bigint << 32)) as row from {rows}"
    )


def _sums() -> str:
    owned = " union all ".join(_rows(number, *source) for number, source in enumerate(_OWNED))
    common = " union all ".join(
        f"(select 0, coalesce(sum(row), 0) from ({_rows(number, '0', rows)}) y)"
        for number, rows in enumerate(_COMMON, start=len(_OWNED))
    )
    return f"select part, sum(row) as rows from ({owned}) y group by part union all {common}"


VERSIONS: Final = f"""
with w as materialized (select age('3'::xid)::bigint as start)
select array_agg(part), array_agg(version) from (
  select part, sum(rows)::text as version from (
    {_sums()}
    union all select 0, sum(hashtextextended(rolname, oid::bigint)) from pg_roles
    union all select 0, sum(hashtextextended(concat_ws(' ', srvname, usename, umoptions), umid::bigint))
      from pg_user_mappings
    ) y group by part) parts
"""
"""Two arrays: the parts, and the version of each."""

AFFECTED: Final = f"""node(classid, objid, passes) as (
  select 'pg_class'::regclass::oid, o, true from unnest($1) o
  union select 'pg_class'::regclass, indexrelid, true from pg_index where indrelid = any ($1)
  union select 'pg_type'::regclass, reltype, true from pg_class where oid = any ($1)
  union select 'pg_constraint'::regclass, oid, true from pg_constraint where conrelid = any ($1)
  union select 'pg_proc'::regclass, o, true from unnest($2) o
), reached(classid, objid, passes) as (
  select * from node
  union select d.classid, d.objid, d.classid in ('pg_proc'::regclass, 'pg_type'::regclass)
    from reached r join pg_depend d on d.refclassid = r.classid and d.refobjid = r.objid where r.passes
), affected as materialized (
  select distinct {PART.format("r.classid", "r.objid")} as part from reached r
), wanted_relation as materialized (
  select part::oid as oid from affected where part > 0
  union all select indexrelid from pg_index where indrelid in (select part::oid from affected where part > 0)
), wanted_function as materialized (
  select (-part)::oid as oid from affected where part < 0
)"""
"""Common table expressions of the parts whose text may differ if the relations ``$1`` and functions ``$2`` differ."""


def changed(before: Mapping[int, str], now: Mapping[int, str]) -> list[int] | None:
    """Return the parts that are new or have another version; None: any part may have another text."""
    if before.get(COMMON) != now[COMMON]:
        return None
    return [part for part, version in now.items() if before.get(part) != version]
