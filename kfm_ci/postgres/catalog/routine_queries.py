"""Queries for functions, triggers, rules, policies, types and statistics."""

from __future__ import annotations

FUNCTIONS = """
select p.part, p.kind, p.name, '',
    concat_ws(E'\\n', 'owner ' || quote_ident(pg_get_userbyid(p.proowner)),
      case when p.prokind <> 'a' then pg_get_functiondef(p.oid) else concat_ws(', ',
        'returns ' || pg_get_function_result(p.oid), 'kind ' || g.aggkind::text, 'step ' || g.aggtransfn::text,
        'state ' || format_type(g.aggtranstype, null), 'final ' || g.aggfinalfn::text,
        'combine ' || g.aggcombinefn::text, 'moving ' || g.aggmtransfn::text, 'initial ' || g.agginitval,
        'sort ' || nullif(g.aggsortop, 0)::regoperator::text, 'parallel ' || p.proparallel::text) end)
  from fun p left join pg_aggregate g on g.aggfnoid = p.oid
"""

TRIGGERS = """
select rel.part, 'trigger', rel.name || '.' || quote_ident(t.tgname), rel.kind || ' ' || rel.name,
    concat_ws(', ', pg_get_triggerdef(t.oid), case t.tgenabled when 'D' then 'DISABLED' when 'R' then 'replica only'
      when 'A' then 'always' end)
  from rel join pg_trigger t on t.tgrelid = rel.oid where not t.tgisinternal
"""

EVENT_TRIGGERS = """
select 0, 'event trigger', quote_ident(e.evtname), '',
    concat_ws(', ', 'owner ' || quote_ident(pg_get_userbyid(e.evtowner)),
    'on ' || e.evtevent, 'calls ' || e.evtfoid::regprocedure::text, 'enabled ' || e.evtenabled::text,
    'tags ' || (select string_agg(x, ' ' order by x collate "C") from unnest(e.evttags) x))
  from pg_event_trigger e join pg_proc p on p.oid = e.evtfoid join ns on ns.oid = p.pronamespace
 where ('pg_event_trigger'::regclass, e.oid) not in (select classid, objid from ext) and 0 WANTED
"""

RULES = """
select rel.part, 'rule', rel.name || '.' || quote_ident(r.rulename), rel.kind || ' ' || rel.name,
    pg_get_ruledef(r.oid) || ' enabled ' || r.ev_enabled::text
  from rel join pg_rewrite r on r.ev_class = rel.oid where r.rulename <> '_RETURN'
"""

POLICIES = """
select rel.part, 'policy', rel.name || '.' || quote_ident(p.polname), rel.kind || ' ' || rel.name, concat_ws(' ',
    case when p.polpermissive then 'permissive' else 'restrictive' end, 'for ' || p.polcmd::text,
    'to ' || (select string_agg(case r when 0 then 'public' else quote_ident(pg_get_userbyid(r)) end, ', '
                order by pg_get_userbyid(r) collate "C") from unnest(p.polroles) r),
    'using (' || pg_get_expr(p.polqual, p.polrelid) || ')', 'check (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')')
  from rel join pg_policy p on p.polrelid = rel.oid
"""

TYPES = """
select t.typrelid::bigint, case t.typtype when 'd' then 'domain' else 'type' end,
    ns.name || '.' || quote_ident(t.typname), '',
    concat_ws(', ', 'owner ' || quote_ident(pg_get_userbyid(t.typowner)), case t.typtype
      when 'e' then 'enum (' || (select string_agg(quote_literal(e.enumlabel), ', ' order by e.enumsortorder)
                                   from pg_enum e where e.enumtypid = t.oid) || ')'
      when 'd' then concat_ws(' ', format_type(t.typbasetype, t.typtypmod), case when t.typnotnull then 'not null' end,
                      'collate ' || case when t.typcollation <> b.typcollation
                        then t.typcollation::regcollation::text end,
                      'default ' || t.typdefault)
      when 'r' then (select concat_ws(' ', 'range of', format_type(r.rngsubtype, null),
                       'collate ' || nullif(r.rngcollation, 0)::regcollation::text,
                       'canonical ' || r.rngcanonical::text,
                       'difference ' || r.rngsubdiff::text) from pg_range r where r.rngtypid = t.oid)
      when 'c' then 'composite (' || coalesce((select string_agg(concat_ws(' ', quote_ident(a.attname),
                       format_type(a.atttypid, a.atttypmod)), ', ' order by a.attname collate "C") from pg_attribute a
                      where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped), '') || ')'
      else concat_ws(' ', 'base', t.typinput::text, t.typoutput::text, t.typlen::text, t.typalign::text) end)
  from pg_type t join ns on ns.oid = t.typnamespace left join pg_type b on b.oid = t.typbasetype
 where ('pg_type'::regclass, t.oid) not in (select classid, objid from ext) and t.typrelid::bigint WANTED
   and (t.typtype in ('e', 'd', 'r') or t.typtype = 'c' and exists (
          select from pg_class c where c.oid = t.typrelid and c.relkind = 'c')
        or t.typtype = 'b' and t.typelem = 0)
"""

STATISTICS = """
select s.stxrelid::bigint, 'statistics', ns.name || '.' || quote_ident(s.stxname),
    coalesce(rel.kind || ' ' || rel.name, ''),
    concat_ws(', ', pg_get_statisticsobjdef(s.oid), 'owner ' || quote_ident(pg_get_userbyid(s.stxowner)),
      'target ' || nullif(to_jsonb(s) ->> 'stxstattarget', '-1'))
  from pg_statistic_ext s join ns on ns.oid = s.stxnamespace left join rel on rel.oid = s.stxrelid
 where s.stxrelid::bigint WANTED
"""

ROUTINES = (FUNCTIONS, TRIGGERS, EVENT_TRIGGERS, RULES, POLICIES, TYPES, STATISTICS)
