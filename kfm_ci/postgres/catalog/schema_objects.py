"""Queries for schemas, privileges, comments, extensions, publications, servers and rare objects."""

from __future__ import annotations

from kfm_ci.postgres.catalog.row_versions import PART

SCHEMAS = """
select 0, 'schema', ns.name, '', 'owner ' || quote_ident(pg_get_userbyid(n.nspowner))
  from ns join pg_namespace n on n.oid = ns.oid
 where ('pg_namespace'::regclass, ns.oid) not in (select classid, objid from ext) and 0 WANTED
"""

# A null ACL means the default privileges, so both must compare as equal.
PRIVILEGES = """
select g.part, 'privileges', g.name, g.name, g.granted from (
  select o.part, o.name, (select string_agg(x::text, ' ' order by x::text collate "C") from unnest(o.acl) x) as granted,
         (select string_agg(x::text, ' ' order by x::text collate "C") from unnest(acldefault(o.class, o.owner)) x)
           as usual
    from (
      select part, kind || ' ' || name as name, relacl as acl,
             case relkind when 'S' then 's' else 'r' end::"char" as class, relowner as owner
        from rel where relacl is not null
      union all
      select rel.part, 'column ' || rel.name || '.' || quote_ident(a.attname), a.attacl, 'c', rel.relowner
        from rel join pg_attribute a on a.attrelid = rel.oid where a.attacl is not null and not a.attisdropped
      union all
      select part, kind || ' ' || name, proacl, 'f', proowner from fun where proacl is not null
      union all
      select t.typrelid::bigint, case t.typtype when 'd' then 'domain ' else 'type ' end || ns.name || '.'
             || quote_ident(t.typname), t.typacl, 'T', t.typowner
        from pg_type t join ns on ns.oid = t.typnamespace
       where t.typacl is not null and t.typrelid::bigint WANTED
         and ('pg_type'::regclass, t.oid) not in (select classid, objid from ext)
      union all
      select 0, 'schema ' || ns.name, n.nspacl, 'n', n.nspowner from ns join pg_namespace n on n.oid = ns.oid
       where n.nspacl is not null and 0 WANTED
         and ('pg_namespace'::regclass, ns.oid) not in (select classid, objid from ext)
      union all
      select 0, 'server ' || quote_ident(srvname), srvacl, 'S', srvowner from pg_foreign_server
       where srvacl is not null and 0 WANTED
      union all
      select 0, 'language ' || quote_ident(lanname), lanacl, 'l', lanowner from pg_language
       where lanacl is not null and 0 WANTED
    ) o) g
 where g.granted is distinct from g.usual and g.granted is not null
"""

DEFAULT_PRIVILEGES = """
select 0, 'default privileges', concat_ws(' ', 'of', quote_ident(pg_get_userbyid(d.defaclrole)), 'on',
         d.defaclobjtype::text, 'in ' || ns.name), '',
       coalesce((select string_agg(x::text, ' ' order by x::text collate "C") from unnest(d.defaclacl) x), 'none')
  from pg_default_acl d left join ns on ns.oid = d.defaclnamespace
 where (d.defaclnamespace = 0 or ns.oid is not null) and 0 WANTED
"""

# OIDs below 16384 are system objects; of these a migration may only comment on the schema public (2200).
COMMENTS = f"""
select p.part, 'comment', i.type || ' ' || i.identity, case when d.classoid = 'pg_class'::regclass
         then coalesce((select case when d.objsubid = 0 then rel.kind || ' ' || rel.name
           else 'column ' || rel.name || '.' || (select quote_ident(a.attname) from pg_attribute a
             where a.attrelid = rel.oid and a.attnum = d.objsubid) end
           from rel where rel.oid = d.objoid), '')
       when d.classoid = 'pg_constraint'::regclass then coalesce((select rel.kind || ' ' || rel.name from rel
         join pg_constraint k on k.conrelid = rel.oid where k.oid = d.objoid), '')
       else i.type || ' ' || i.identity end, d.description
  from pg_description d, lateral (select {PART.format("d.classoid", "d.objoid")} as part) p,
       lateral pg_identify_object(d.classoid, d.objoid, d.objsubid) i
 where p.part WANTED and (d.objoid >= 16384 or d.classoid = 'pg_namespace'::regclass and d.objoid = 2200)
   and coalesce(i.schema, '') not in ('kfm_ci', 'kfm_observe') and i.identity is not null
   and i.identity !~ '(^| on )(kfm_ci|kfm_observe)(\\.|$)'
   and (d.classoid, d.objoid) not in (select classid, objid from ext)
"""

EXTENSIONS = """
select 0, 'extension', quote_ident(e.extname), '', concat_ws(' ', 'version', e.extversion, 'schema', n.nspname)
  from pg_extension e join pg_namespace n on n.oid = e.extnamespace where 0 WANTED
"""

# Read through jsonb, because the columns depend on the server version; pg_get_expr prints the row filter.
PUBLICATIONS = """
select 0, 'publication', quote_ident(p.pubname), '', concat_ws(' ', 'owner', quote_ident(pg_get_userbyid(p.pubowner)),
    (to_jsonb(p) - 'oid' - 'pubname' - 'pubowner')::text, (select string_agg(concat_ws(' ', r.prrelid::regclass::text,
        'where ' || ROWFILTER,
        'columns ' || (to_jsonb(r) ->> 'prattrs')), ', ' order by r.prrelid::regclass::text collate "C")
      from pg_publication_rel r where r.prpubid = p.oid))
  from pg_publication p where 0 WANTED
"""

SERVERS = """
select 0, 'foreign data wrapper', quote_ident(w.fdwname), '', concat_ws(' ', w.fdwhandler::regproc::text,
    w.fdwvalidator::regproc::text, array_to_string(w.fdwoptions, ' '))
  from pg_foreign_data_wrapper w
 where ('pg_foreign_data_wrapper'::regclass, w.oid) not in (select classid, objid from ext) and 0 WANTED
union all
select 0, 'server', quote_ident(s.srvname), '', concat_ws(' ', 'owner', quote_ident(pg_get_userbyid(s.srvowner)),
    'wrapper', w.fdwname, s.srvtype, s.srvversion, array_to_string(s.srvoptions, ' '))
  from pg_foreign_server s join pg_foreign_data_wrapper w on w.oid = s.srvfdw where 0 WANTED
union all
select 0, 'user mapping', quote_ident(m.srvname) || ' for ' || quote_ident(m.usename),
    'server ' || quote_ident(m.srvname),
    md5(coalesce(array_to_string(m.umoptions, ' '), ''))
  from pg_user_mappings m where 0 WANTED
"""

ODDITIES = """
select 0, 'operator', ns.name || '.' || o.oprname || '(' || format_type(o.oprleft, null) || ', '
       || format_type(o.oprright, null) || ')', '', concat_ws(' ', o.oprcode::text, 'commutator ' || o.oprcom::text,
       'negator ' || o.oprnegate::text, 'restrict ' || o.oprrest::text, 'join ' || o.oprjoin::text)
  from pg_operator o join ns on ns.oid = o.oprnamespace
 where ('pg_operator'::regclass, o.oid) not in (select classid, objid from ext) and 0 WANTED
union all
select 0, 'cast', format_type(c.castsource, null) || ' to ' || format_type(c.casttarget, null), '',
       concat_ws(' ', c.castfunc::regprocedure::text, c.castcontext::text, c.castmethod::text)
  from pg_cast c
 where c.oid >= 16384 and ('pg_cast'::regclass, c.oid) not in (select classid, objid from ext) and 0 WANTED
union all
select 0, 'collation', ns.name || '.' || quote_ident(c.collname), '',
       (to_jsonb(c) - 'oid' - 'collnamespace' - 'collowner' - 'collversion')::text
  from pg_collation c join ns on ns.oid = c.collnamespace
 where ('pg_collation'::regclass, c.oid) not in (select classid, objid from ext) and 0 WANTED
union all
select 0, 'text search configuration', ns.name || '.' || quote_ident(c.cfgname), '', (select string_agg(
         m.maptokentype || ':' || m.mapdict::regdictionary::text, ' ' order by m.maptokentype, m.mapseqno)
         from pg_ts_config_map m where m.mapcfg = c.oid)
  from pg_ts_config c join ns on ns.oid = c.cfgnamespace
 where ('pg_ts_config'::regclass, c.oid) not in (select classid, objid from ext) and 0 WANTED
union all
select 0, 'text search dictionary', ns.name || '.' || quote_ident(d.dictname), '', d.dictinitoption
  from pg_ts_dict d join ns on ns.oid = d.dictnamespace
 where ('pg_ts_dict'::regclass, d.oid) not in (select classid, objid from ext) and 0 WANTED
union all
select 0, 'operator class', ns.name || '.' || quote_ident(c.opcname) || ' using ' || a.amname, '',
       concat_ws(' ', format_type(c.opcintype, null), case when c.opcdefault then 'default' end)
  from pg_opclass c join ns on ns.oid = c.opcnamespace join pg_am a on a.oid = c.opcmethod
 where ('pg_opclass'::regclass, c.oid) not in (select classid, objid from ext) and 0 WANTED
union all
select 0, 'language', quote_ident(l.lanname), '', concat_ws(' ', l.lanplcallfoid::regproc::text, l.lanpltrusted::text)
  from pg_language l
 where l.oid >= 16384 and ('pg_language'::regclass, l.oid) not in (select classid, objid from ext) and 0 WANTED
"""

SURROUNDINGS = (
    SCHEMAS,
    PRIVILEGES,
    DEFAULT_PRIVILEGES,
    COMMENTS,
    EXTENSIONS,
    PUBLICATIONS,
    SERVERS,
    ODDITIES,
)
