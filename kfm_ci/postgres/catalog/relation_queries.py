"""Queries for the catalog as rows ``(part, kind, identity, parent, definition)``, joined to one statement.

Every query uses the common table expressions of ``PREAMBLE``: ``ns`` are the compared schemas, ``ext`` the members of
extensions, which are not compared. Definitions contain no OID, no ordinal and nothing that a
session setting changes.

A part is the OID of a relation, with its dependent objects, the negated OID of a function, or 0 for all other objects.
``WANTED`` is replaced by the condition that restricts an incremental read to changed parts.
"""

from __future__ import annotations

from kfm_ci.postgres.catalog.identity_queries import IDENTITIES
from kfm_ci.postgres.catalog.routine_queries import ROUTINES
from kfm_ci.postgres.catalog.row_versions import AFFECTED
from kfm_ci.postgres.catalog.schema_objects import SURROUNDINGS

OWN_SCHEMAS = ("kfm_ci", "kfm_observe")
"""Schemas of kfm-ci, which are not compared."""

# The pg_get_*def functions print constants and names by these settings of the session. Temporary tables come last:
# else they would come before the catalogs.
SETTINGS = """
select pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true),
       pg_catalog.set_config('timezone', 'UTC', true),
       pg_catalog.set_config('datestyle', 'ISO, YMD', true),
       pg_catalog.set_config('intervalstyle', 'postgres', true),
       pg_catalog.set_config('extra_float_digits', '1', true), pg_catalog.set_config('bytea_output', 'hex', true),
       pg_catalog.set_config('quote_all_identifiers', 'off', true),
       pg_catalog.set_config('standard_conforming_strings', 'on', true),
       pg_catalog.set_config('lc_monetary', 'C', true), pg_catalog.set_config('xmlbinary', 'base64', true),
       pg_catalog.set_config('jit', 'off', true)
"""

AGAIN = "#again"
"""Kind of a row without an object: it lists a part that was read again."""

PREAMBLE = """
ns as materialized (
  select oid, nspname, quote_ident(nspname) as name from pg_namespace
   where nspname not in ('pg_catalog', 'information_schema', 'kfm_ci', 'kfm_observe')
     and nspname !~ '^pg_(toast|temp)'
), ext as materialized (
  select classid, objid from pg_depend where deptype = 'e'
), rel as materialized (
  select c.*, coalesce(i.indrelid, c.oid)::bigint as part, ns.name || '.' || quote_ident(c.relname) as name,
         case c.relkind when 'r' then 'table' when 'p' then 'table' when 'f' then 'foreign table' when 'v' then 'view'
           when 'm' then 'materialized view' when 'S' then 'sequence' when 'c' then 'type' else 'index' end as kind
    from pg_class c join ns on ns.oid = c.relnamespace left join pg_index i on i.indexrelid = c.oid
   where c.relkind in ('r', 'p', 'f', 'v', 'm', 'S', 'c', 'i', 'I') and c.relpersistence <> 't'
     and ('pg_class'::regclass, c.oid) not in (select classid, objid from ext)
     and c.oid WANTED_RELATION
), fun as materialized (
  select p.*, -p.oid::bigint as part,
         case p.prokind when 'p' then 'procedure' when 'a' then 'aggregate' else 'function' end as kind,
         ns.name || '.' || quote_ident(p.proname) || '(' || oidvectortypes(p.proargtypes) || ')' as name
    from pg_proc p join ns on ns.oid = p.pronamespace
   where ('pg_proc'::regclass, p.oid) not in (select classid, objid from ext) and p.oid WANTED_FUNCTION
)
"""

TABLES = """
select rel.part, kind, name, '', concat_ws(', ', 'owner ' || quote_ident(pg_get_userbyid(relowner)),
    case relpersistence when 'u' then 'unlogged' end,
    'access method ' || (select amname from pg_am where pg_am.oid = relam),
    'tablespace ' || (select spcname from pg_tablespace t where t.oid = reltablespace),
    'of type ' || case when reloftype <> 0 then format_type(reloftype, null) end,
    'partition by ' || case relkind when 'p' then pg_get_partkeydef(oid) end,
    'inherits ' || (select string_agg(inhparent::regclass::text, ' ' order by inhseqno) from pg_inherits
                     where inhrelid = rel.oid),
    pg_get_expr(relpartbound, oid),
    'options ' || (select string_agg(o, ' ' order by o collate "C") from unnest(reloptions) o),
    'toast options ' || (select string_agg(o, ' ' order by o collate "C") from pg_class t, unnest(t.reloptions) o
                          where t.oid = rel.reltoastrelid),
    case when relrowsecurity then 'row security' end, case when relforcerowsecurity then 'forced row security' end,
    case relreplident when 'n' then 'replica identity nothing' when 'f' then 'replica identity full'
      when 'i' then 'replica identity index' end,
    (select concat_ws(' ', 'server', quote_ident(s.srvname), (select string_agg(o, ' ' order by o collate "C")
        from unnest(f.ftoptions) o)) from pg_foreign_table f join pg_foreign_server s on s.oid = f.ftserver
      where f.ftrelid = rel.oid))
  from rel where relkind in ('r', 'p', 'f')
"""

COLUMNS = """
select rel.part, 'column', rel.name || '.' || quote_ident(a.attname), rel.kind || ' ' || rel.name, concat_ws(' ',
    format_type(a.atttypid, a.atttypmod),
    'collate ' || case when a.attcollation <> t.typcollation then a.attcollation::regcollation::text end,
    case when a.attnotnull then 'not null' end,
    case a.attidentity when 'a' then 'generated always as identity'
      when 'd' then 'generated by default as identity' end,
    case a.attgenerated when 's' then 'stored generated' when 'v' then 'virtual generated' else
      case when a.atthasdef then 'default' end end, pg_get_expr(d.adbin, d.adrelid),
    'storage ' || case when a.attstorage <> t.typstorage then a.attstorage::text end,
    'compression ' || nullif(COMPRESSION::text, ''),
    'statistics ' || case when coalesce(a.attstattarget, -1) <> -1 then a.attstattarget::text end,
    -- some servers store a marker in the options, with a new value for every created column
    'options ' || (select string_agg(o, ' ' order by o) from unnest(a.attoptions) o
                    where not starts_with(o, 'pg_attver=')),
    'foreign options ' || array_to_string(a.attfdwoptions, ' '),
    case when not a.attislocal then 'inherited' end, 'parents ' || nullif(a.attinhcount, 0)::text)
  from rel join pg_attribute a on a.attrelid = rel.oid and a.attnum > 0 and not a.attisdropped
  join pg_type t on t.oid = a.atttypid
  left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
 where rel.relkind in ('r', 'p', 'f')
"""

# From PostgreSQL 18, NOT NULL is a row of pg_constraint too, but the column's definition already contains it.
CONSTRAINTS = """
select rel.part, 'constraint', rel.name || '.' || quote_ident(c.conname), rel.kind || ' ' || rel.name, concat_ws(' ',
    pg_get_constraintdef(c.oid), case when not c.convalidated then '(not validated)' end,
    case when not c.conislocal then 'inherited' end, 'parents ' || nullif(c.coninhcount, 0)::text)
  from rel join pg_constraint c on c.conrelid = rel.oid and c.contype <> 't'
   and not (c.contype = 'n' and c.convalidated and not c.connoinherit)
union all
select 0, 'constraint', ns.name || '.' || quote_ident(t.typname) || '.' || quote_ident(c.conname),
       'domain ' || ns.name || '.' || quote_ident(t.typname),
       concat_ws(' ', pg_get_constraintdef(c.oid), case when not c.convalidated then '(not validated)' end)
  from pg_constraint c join pg_type t on t.oid = c.contypid join ns on ns.oid = t.typnamespace
 where ('pg_type'::regclass, t.oid) not in (select classid, objid from ext) and 0 WANTED
"""

# Grouped once: pg_constraint has no index on conindid, so a subquery for each index would scan all of it.
INDEXES = """
select rel.part, 'index', rel.name, coalesce('constraint ' || k.name, t.kind || ' ' || t.name),
    concat_ws(', ', pg_get_indexdef(i.indexrelid),
    case when not i.indisvalid then 'INVALID' end, case when not i.indisready then 'not ready' end,
    case when i.indisreplident then 'replica identity' end, case when i.indisclustered then 'clustered' end,
    'tablespace ' || (select spcname from pg_tablespace s where s.oid = rel.reltablespace),
    'part of ' || (select string_agg(inhparent::regclass::text, ' ') from pg_inherits where inhrelid = rel.oid))
  from rel join pg_index i on i.indexrelid = rel.oid join rel t on t.oid = i.indrelid
  left join (select c.conindid, min(o.name || '.' || quote_ident(c.conname)) as name
               from pg_constraint c join rel o on o.oid = c.conrelid
              where c.contype in ('p', 'u', 'x') group by c.conindid) k on k.conindid = i.indexrelid
"""

# An option that is set to its default is no difference.
VIEWS = """
select rel.part, kind, name, '', concat_ws(E'\\n', 'owner ' || quote_ident(pg_get_userbyid(relowner)),
    'options ' || (select string_agg(o, ' ' order by o collate "C") from unnest(reloptions) o
                    where o !~ '^security_(barrier|invoker)=(false|off|no|0)$'),
    case when relkind = 'm' and not relispopulated then 'not populated' end,
    'tablespace ' || (select spcname from pg_tablespace s where s.oid = reltablespace),
    (select string_agg(concat_ws(' ', quote_ident(a.attname), format_type(a.atttypid, a.atttypmod),
        'default ' || (select pg_get_expr(d.adbin, d.adrelid) from pg_attrdef d
                        where d.adrelid = a.attrelid and d.adnum = a.attnum)), ', ' order by a.attnum)
       from pg_attribute a where a.attrelid = rel.oid and a.attnum > 0 and not a.attisdropped), pg_get_viewdef(oid))
  from rel where relkind in ('v', 'm')
"""

SEQUENCES = """
select rel.part, 'sequence', rel.name, coalesce(o.parent, ''),
    concat_ws(', ', 'owner ' || quote_ident(pg_get_userbyid(relowner)),
    case relpersistence when 'u' then 'unlogged' end, format_type(s.seqtypid, null), 'start ' || s.seqstart,
    'increment ' || s.seqincrement, 'from ' || s.seqmin || ' to ' || s.seqmax, 'cache ' || s.seqcache,
    case when s.seqcycle then 'cycle' end, 'owned by ' || o.parent)
  from rel join pg_sequence s on s.seqrelid = rel.oid left join lateral (
    select 'column ' || ns.name || '.' || quote_ident(t.relname) || '.' || quote_ident(a.attname) as parent
      from pg_depend d join pg_class t on t.oid = d.refobjid join ns on ns.oid = t.relnamespace
      join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
     where d.classid = 'pg_class'::regclass and d.objid = rel.oid and d.refclassid = 'pg_class'::regclass
       and d.deptype in ('a', 'i') and d.refobjsubid > 0 limit 1) o on true
"""

WANTED = (
    ("WANTED_RELATION", "oid from wanted_relation"),
    ("WANTED_FUNCTION", "oid from wanted_function"),
    ("WANTED", "part from affected"),
)

# An affected part that was dropped has no other row.
NAMED = f"""
select part, '{AGAIN}', '', '', '' from affected
"""

RELATIONS = (TABLES, COLUMNS, CONSTRAINTS, INDEXES, VIEWS, SEQUENCES)


def compose(server_version: int, *, wanted: bool = False) -> str:
    """Return the statement that reads the whole catalog of a server of that version (such as 150004).

    ``wanted``: only the parts that may differ if relations ``$1`` and functions ``$2`` differ; each is listed in a row.
    """
    queries = (*RELATIONS, *ROUTINES, *SURROUNDINGS, *IDENTITIES)
    text = f"with {PREAMBLE}" + "union all".join(queries)
    if wanted:
        text = f"with recursive {AFFECTED}, {PREAMBLE}" + "union all".join((*queries, NAMED))
    for mark, source in WANTED:
        text = text.replace(mark, f"in (select {source})" if wanted else "is not null")
    text = text.replace("COMPRESSION", "a.attcompression" if server_version >= 140000 else "''")
    return text.replace("ROWFILTER", "pg_get_expr(r.prqual, r.prrelid)" if server_version >= 150000 else "null::text")
