"""Catalog queries of seeding; run with an empty ``search_path``, so that names in expressions are schema-qualified."""

from __future__ import annotations

# Rows are inserted through the partitioned table, not into its partitions. Tables of an extension belong to it.
TABLES = """
select c.oid, n.nspname, c.relname, quote_ident(n.nspname) || '.' || quote_ident(c.relname), c.relkind::text,
       pg_has_role(c.relowner, 'usage'),
       exists (select from pg_class f where f.relkind = 'f' and f.relispartition
                and f.oid in (select relid from pg_partition_tree(c.oid)))
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where c.relkind in ('r', 'p', 'f') and not c.relispartition and c.relpersistence <> 't'
   and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname <> all (%s)
   and n.nspname !~ '^pg_(toast|temp)' and c.relname <> all (%s)
   and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid
                                              and d.deptype = 'e')
 order by n.nspname, c.relname
"""

COLUMNS = """
select a.attrelid, a.attname, a.atttypid, a.atttypmod, a.attnotnull,
       pg_get_expr(d.adbin, d.adrelid)
  from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
 where a.attrelid = any (%s) and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
 order by a.attrelid, a.attnum
"""

TYPES = """
select t.oid, t.typname, t.typtype::text, t.typcategory = 'A' and t.typlen = -1,
       -- through json, because multiranges and their column came with PostgreSQL 14
       coalesce(nullif(t.typelem, 0),
         (select r.rngsubtype from pg_range r
           where t.oid in (r.rngtypid, (to_jsonb(r) ->> 'rngmultitypid')::oid)), 0),
       t.typbasetype, t.typtypmod, t.typnotnull, format_type(t.oid, null),
       array(select e.enumlabel::text from pg_enum e where e.enumtypid = t.oid order by e.enumsortorder),
       (select count(*) from pg_attribute a where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped),
       array(select pg_get_expr(k.conbin, 0) from pg_constraint k where k.contypid = t.oid and k.contype = 'c'
              order by k.oid)
  from pg_type t
 where t.typtype <> 'p'
   and (t.typrelid = 0 or exists (select from pg_class c where c.oid = t.typrelid and c.relkind = 'c'))
"""

TYPE_NAMES = "select o, m, format_type(o, m) from unnest(%s::oid[], %s::integer[]) u(o, m)"

CHECKS = """
select k.conrelid, array(select a.attname::text from unnest(k.conkey) n join pg_attribute a
                         on a.attrelid = k.conrelid and a.attnum = n), pg_get_expr(k.conbin, k.conrelid)
  from pg_constraint k where k.conrelid = any (%s) and k.contype = 'c' order by k.conrelid, k.conname
"""

# PostgreSQL routes a row to a leaf partition: the partition constraint of one of them must be true.
LEAF_PARTITIONS = """
select r.oid, pg_get_partition_constraintdef(l.relid),
       array(select distinct a.attname::text from pg_partition_tree(r.oid) b
               join pg_partitioned_table p on p.partrelid = b.relid
               join pg_attribute a on a.attrelid = p.partrelid and a.attnum = any (p.partattrs)),
       exists (select from pg_partition_tree(r.oid) b join pg_partitioned_table p on p.partrelid = b.relid
                where 0 = any (p.partattrs))
  from pg_class r, pg_partition_tree(r.oid) l
 where r.oid = any (%s) and r.relkind = 'p' and l.isleaf and l.relid <> r.oid
 order by r.oid, l.relid::regclass::text collate "C"
"""

UNIQUES = """
select i.indrelid,
       array(select a.attname::text from unnest(i.indkey[0:i.indnkeyatts - 1]) with ordinality u(n, place)
               join pg_attribute a on a.attrelid = i.indrelid and a.attnum = n order by place)
         || array(select a.attname::text from pg_depend d
                    join pg_attribute a on a.attrelid = i.indrelid and a.attnum = d.refobjsubid
                   where d.classid = 'pg_class'::regclass and d.objid = i.indexrelid and i.indexprs is not null
                     and d.refclassid = 'pg_class'::regclass and d.refobjid = i.indrelid and d.refobjsubid > 0
                     and d.refobjsubid <> all (i.indkey)),
       {nulls_distinct}
  from pg_index i where i.indrelid = any (%s) and (i.indisunique or i.indisexclusion)
 order by i.indrelid, not i.indisprimary, i.indexrelid::regclass::text collate "C"
"""

FOREIGN_KEYS = """
select k.conrelid,
       array(select a.attname::text from unnest(k.conkey) with ordinality u(n, place)
               join pg_attribute a on a.attrelid = k.conrelid and a.attnum = n order by place),
       k.confrelid,
       array(select a.attname::text from unnest(k.confkey) with ordinality u(n, place)
               join pg_attribute a on a.attrelid = k.confrelid and a.attnum = n order by place)
  from pg_constraint k where k.conrelid = any (%s) and k.contype = 'f' and k.conparentid = 0
 order by k.conrelid, k.conname
"""

# Triggers and rules may change or reject rows, or access other systems; the second statement restores the exact state.
INSERT_HOOKS = """
with part as (select r.oid as root, b.relid from unnest(%s::oid[]) r(oid), lateral (
  select relid from pg_partition_tree(r.oid) union select r.oid) b)
select p.root, format('alter table only %%s disable trigger %%I', g.tgrelid::regclass, g.tgname),
       format('alter table only %%s enable %%s trigger %%I', g.tgrelid::regclass,
              case g.tgenabled when 'R' then 'replica' when 'A' then 'always' else '' end, g.tgname)
  from part p join pg_trigger g on g.tgrelid = p.relid
 where not g.tgisinternal and g.tgenabled <> 'D'
union all
select p.root, format('alter table only %%s disable rule %%I', w.ev_class::regclass, w.rulename),
       format('alter table only %%s enable %%s rule %%I', w.ev_class::regclass,
              case w.ev_enabled when 'R' then 'replica' when 'A' then 'always' else '' end, w.rulename)
  from part p join pg_rewrite w on w.ev_class = p.relid
 where w.ev_type = '3' and w.ev_enabled <> 'D'
union all
select p.root, format('alter table only %%s no force row level security', c.oid::regclass),
       format('alter table only %%s force row level security', c.oid::regclass)
  from part p join pg_class c on c.oid = p.relid where c.relforcerowsecurity and c.relkind in ('r', 'p')
 order by 1, 2
"""

HISTORY_TABLES = (
    "schema_migrations",
    "schema_migration",
    "ar_internal_metadata",
    "flyway_schema_history",
    "schema_version",
    "databasechangelog",
    "databasechangeloglock",
    "alembic_version",
    "_prisma_migrations",
    "knex_migrations",
    "knex_migrations_lock",
    "__diesel_schema_migrations",
    "_sqlx_migrations",
    "goose_db_version",
    "django_migrations",
    "atlas_schema_revisions",
    "gorp_migrations",
    "pgmigrations",
    "migrations",
    "__drizzle_migrations",
    "river_migration",
    "SequelizeMeta",
    "mikro_orm_migrations",
    "typeorm_metadata",
    "sqitch_changes",
)
"""History tables of migration tools, and tables beside them."""
