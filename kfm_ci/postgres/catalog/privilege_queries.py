"""The query for rights: privileges, owners, row security, roles and what reaches other servers.

Rows are ``(aspect, key, object, holder, values)``: ``key`` stays the same when an object is renamed, ``holder`` is a
role or ``public``. A null ACL means the default privileges, so both are read as equal.
"""

from __future__ import annotations

_OBJECTS = """
ns as materialized (
  select oid, quote_ident(nspname) as name, nspowner, nspacl from pg_namespace
   where nspname not in ('pg_catalog', 'information_schema', 'kfm_ci', 'kfm_observe')
     and nspname !~ '^pg_(toast|temp)'
), ext as materialized (
  select classid, objid from pg_depend where deptype = 'e'
), rel as materialized (
  select c.*, ns.name || '.' || quote_ident(c.relname) as name,
         case c.relkind when 'f' then 'foreign table' when 'v' then 'view' when 'm' then 'materialized view'
           when 'S' then 'sequence' else 'table' end || ' ' || ns.name || '.' || quote_ident(c.relname) as object
    from pg_class c join ns on ns.oid = c.relnamespace
   where c.relkind in ('r', 'p', 'f', 'v', 'm', 'S') and c.relpersistence <> 't'
     and ('pg_class'::regclass, c.oid) not in (select classid, objid from ext)
), fun as materialized (
  select p.*, case p.prokind when 'p' then 'procedure' when 'a' then 'aggregate' else 'function' end || ' ' || ns.name
         || '.' || quote_ident(p.proname) || '(' || oidvectortypes(p.proargtypes) || ')' as object
    from pg_proc p join ns on ns.oid = p.pronamespace
   where ('pg_proc'::regclass, p.oid) not in (select classid, objid from ext)
), typ as materialized (
  select t.*, case t.typtype when 'd' then 'domain ' else 'type ' end || ns.name || '.' || quote_ident(t.typname)
         as object
    from pg_type t join ns on ns.oid = t.typnamespace
   where ('pg_type'::regclass, t.oid) not in (select classid, objid from ext)
     and (t.typtype in ('e', 'd', 'r') or t.typacl is not null)
), owned as materialized (
  select 'relation ' || oid as key, object, relowner as owner,
         coalesce(relacl, acldefault(case relkind when 'S' then 's' else 'r' end::"char", relowner)) as acl from rel
  union all
  select 'column ' || rel.oid || '.' || a.attnum, 'column ' || rel.name || '.' || quote_ident(a.attname), rel.relowner,
         a.attacl from rel join pg_attribute a on a.attrelid = rel.oid
   where a.attacl is not null and not a.attisdropped
  union all
  select 'function ' || oid, object, proowner, coalesce(proacl, acldefault('f', proowner)) from fun
  union all
  select 'type ' || oid, object, typowner, coalesce(typacl, acldefault('T', typowner)) from typ
  union all
  select 'schema ' || oid, 'schema ' || name, nspowner, coalesce(nspacl, acldefault('n', nspowner)) from ns
  union all
  select 'database', 'database', datdba, coalesce(datacl, acldefault('d', datdba)) from pg_database
   where datname = current_database()
  union all
  select 'language ' || oid, 'language ' || quote_ident(lanname), lanowner, coalesce(lanacl, acldefault('l', lanowner))
    from pg_language
  union all
  select 'wrapper ' || oid, 'foreign data wrapper ' || quote_ident(fdwname), fdwowner,
         coalesce(fdwacl, acldefault('F', fdwowner)) from pg_foreign_data_wrapper
  union all
  select 'server ' || oid, 'server ' || quote_ident(srvname), srvowner, coalesce(srvacl, acldefault('S', srvowner))
    from pg_foreign_server
  union all
  select 'large object ' || oid, 'large object ' || oid, lomowner, coalesce(lomacl, acldefault('L', lomowner))
    from pg_largeobject_metadata
)
"""

_PRIVILEGES = """
select case when x.grantee = o.owner then 'owner privileges' else 'privileges' end, o.key, o.object,
       case when x.grantee = 0 then 'public' when x.grantee = o.owner then ''
         else quote_ident(pg_get_userbyid(x.grantee)) end,
       array_agg(x.privilege_type::text || w.suffix)
  from owned o, aclexplode(o.acl) x, lateral (select '' as suffix union all
         select ' WITH GRANT OPTION' where x.is_grantable and x.grantee <> o.owner) w
 group by 1, 2, 3, 4
union all
select 'owner', key, object, '', array[quote_ident(pg_get_userbyid(owner))] from owned where key not like 'column %'
union all
select 'default privileges', concat_ws('.', d.defaclrole, d.defaclnamespace, d.defaclobjtype),
       case d.defaclobjtype when 'r' then 'tables' when 'S' then 'sequences' when 'f' then 'functions'
         when 'T' then 'types' when 'n' then 'schemas' else 'large objects' end,
       case x.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(x.grantee)) end,
       array_agg(x.privilege_type::text || w.suffix)
  from pg_default_acl d, aclexplode(d.defaclacl) x, lateral (select '' as suffix union all
         select ' WITH GRANT OPTION' where x.is_grantable) w
 where x.grantee <> d.defaclrole group by 1, 2, 3, 4
"""

_ROW_SECURITY = """
select 'row security', oid::text, object, '', array_remove(array[case when relrowsecurity then 'enabled' end,
       case when relforcerowsecurity then 'forced' end], null)
  from rel where relkind in ('r', 'p')
union all
select 'policy', rel.oid || ' ' || p.polname, rel.object, quote_ident(p.polname), array[
       case when p.polpermissive then 'permissive' else 'restrictive' end, p.polcmd::text,
       coalesce(pg_get_expr(p.polqual, p.polrelid), ''), coalesce(pg_get_expr(p.polwithcheck, p.polrelid), ''),
       (select string_agg(case r when 0 then 'public' else quote_ident(pg_get_userbyid(r)) end, ', '
          order by r) from unnest(p.polroles) r)]
  from rel join pg_policy p on p.polrelid = rel.oid
union all
select 'view security', oid::text, object, '', array(select split_part(o, '=', 1) from unnest(reloptions) o
         where o ~ '^security_(barrier|invoker)=(true|on|yes|1)$')
  from rel where relkind = 'v'
union all
select 'function security', fun.oid::text, fun.object, '', array_remove(array[
       case when prosecdef then 'security definer' end,
       case when exists (select from unnest(proconfig) s where s like 'search_path=%') then 'search_path' end,
       case when prorettype in ('trigger'::regtype, 'event_trigger'::regtype) then 'trigger' end,
       case when not l.lanpltrusted and l.lanname <> 'sql' then 'untrusted ' || l.lanname end], null)
  from fun join pg_language l on l.oid = fun.prolang
"""

_SERVER = """
select 'role', oid::text, 'role ' || quote_ident(rolname), '', array_remove(array[
       case when rolsuper then 'superuser' end,
       case when rolcreaterole then 'createrole' end, case when rolcreatedb then 'createdb' end,
       case when rolreplication then 'replication' end, case when rolbypassrls then 'bypassrls' end,
       case when rolcanlogin then 'login' end, case when rolinherit then 'inherit' end,
       'connection limit ' || rolconnlimit], null)
  from pg_roles
union all
select 'membership', roleid || '.' || member, 'role ' || quote_ident(pg_get_userbyid(roleid)),
       quote_ident(pg_get_userbyid(member)), array_agg(case when admin_option then 'admin option' else 'member' end)
  from pg_auth_members group by roleid, member
union all
select 'setting', setdatabase || '.' || setrole,
       case setrole when 0 then 'database' else 'role ' || quote_ident(pg_get_userbyid(setrole)) end, '', setconfig
  from pg_db_role_setting where setdatabase in (0, (select oid from pg_database where datname = current_database()))
union all
select 'extension', e.oid::text, 'extension ' || quote_ident(e.extname), '', array[e.extname::text] from pg_extension e
union all
select 'remote', 'server ' || s.oid, 'server ' || quote_ident(s.srvname), '', array[s.srvoptions::text]
  from pg_foreign_server s
union all
select 'remote', 'wrapper ' || w.oid, 'foreign data wrapper ' || quote_ident(w.fdwname), '', array[w.fdwoptions::text]
  from pg_foreign_data_wrapper w
 where ('pg_foreign_data_wrapper'::regclass, w.oid) not in (select classid, objid from ext)
union all
select 'remote', 'mapping ' || m.umid,
       'user mapping for ' || quote_ident(m.usename) || ' on ' || quote_ident(m.srvname), '', array[m.umoptions::text]
  from pg_user_mappings m
union all
select 'remote', 'subscription ' || oid, 'subscription ' || quote_ident(subname), '', array[subenabled::text]
  from pg_subscription where subdbid = (select oid from pg_database where datname = current_database())
union all
select 'publication', p.oid::text, 'publication ' || quote_ident(p.pubname), '',
       case when p.puballtables then array['all tables'] else array(select r.prrelid::regclass::text
         from pg_publication_rel r where r.prpubid = p.oid) end
  from pg_publication p
union all
select 'event trigger', e.oid::text, 'event trigger ' || quote_ident(e.evtname), '',
       array[e.evtevent::text, e.evtfoid::text, e.evtenabled::text]
  from pg_event_trigger e where ('pg_event_trigger'::regclass, e.oid) not in (select classid, objid from ext)
"""

_PARAMETERS = """
select 'privileges', 'parameter ' || p.oid, 'parameter ' || p.parname,
       case x.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(x.grantee)) end,
       array_agg(x.privilege_type::text)
  from pg_parameter_acl p, aclexplode(p.paracl) x where x.grantee <> 10 group by 1, 2, 3, 4
"""


def compose(server_version: int) -> str:
    """Return the query for a server of that version (such as 150004)."""
    queries = [_PRIVILEGES, _ROW_SECURITY, _SERVER]
    if server_version >= 150000:
        queries.append(_PARAMETERS)
    return f"with {_OBJECTS}" + "union all".join(queries)
