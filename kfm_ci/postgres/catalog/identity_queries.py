"""Queries for the identity of objects: OID, column numbers and what clients rely on; no part of the schema's text.

A row is ``(part, kind, identity, OID, JSON)``. The JSON is an array: kind of the object; its columns as name, number,
type, and flags (generated, identity, NOT NULL, default); the OIDs of the tables that it inherits from; its interface.
"""

from __future__ import annotations

IDENTITY = "#identity"
"""Kind of a row with an identity instead of a definition."""

_COLUMNS = """coalesce((select json_agg(json_build_array(quote_ident(a.attname), a.attnum,
      format_type(a.atttypid, a.atttypmod), a.attgenerated <> '', a.attidentity, a.attnotnull,
      a.atthasdef and a.attgenerated = '') order by a.attnum)
    from pg_attribute a where a.attrelid = rel.oid and a.attnum > 0 and not a.attisdropped), '[]')"""

RELATION_IDENTITIES = f"""
select rel.part, '{IDENTITY}', rel.name, rel.oid::text, json_build_array(rel.kind,
    case when rel.relkind = 'S' then '[]' else {_COLUMNS} end,
    array(select i.inhparent::bigint from pg_inherits i where i.inhrelid = rel.oid order by i.inhseqno),
    case when rel.relkind = 'S' then (select json_build_array(format_type(s.seqtypid, null), s.seqincrement, s.seqmin,
        s.seqmax, s.seqcycle) from pg_sequence s where s.seqrelid = rel.oid)
      else json_build_array(rel.relpersistence) end)::text
  from rel where rel.relkind in ('r', 'p', 'f', 'v', 'm', 'S', 'c')
"""

ROUTINE_IDENTITIES = f"""
select p.part, '{IDENTITY}', p.name, p.oid::text, json_build_array(p.kind, '[]'::json, array[]::bigint[],
    json_build_array(coalesce(pg_get_function_result(p.oid), ''), p.pronargdefaults,
      coalesce(p.proargnames, '{{}}'), coalesce(p.proargmodes::text[], '{{}}')))::text
  from fun p
"""

TYPE_IDENTITIES = f"""
select t.typrelid::bigint, '{IDENTITY}', ns.name || '.' || quote_ident(t.typname), t.oid::text,
    json_build_array(case t.typtype when 'd' then 'domain' else 'type' end, '[]'::json, array[]::bigint[],
      case t.typtype when 'e' then (select coalesce(json_agg(e.enumlabel order by e.enumsortorder), '[]')
                                      from pg_enum e where e.enumtypid = t.oid)
        when 'd' then json_build_array(format_type(t.typbasetype, t.typtypmod)) else '[]' end)::text
  from pg_type t join ns on ns.oid = t.typnamespace
 where ('pg_type'::regclass, t.oid) not in (select classid, objid from ext) and t.typrelid::bigint WANTED
   and t.typtype in ('e', 'd', 'r')
union all
select 0, '{IDENTITY}', ns.name, ns.oid::text,
    json_build_array('schema', '[]'::json, array[]::bigint[], '[]'::json)::text
  from ns where 0 WANTED
"""

IDENTITIES = (RELATION_IDENTITIES, ROUTINE_IDENTITIES, TYPE_IDENTITIES)
