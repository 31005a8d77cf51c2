"""Asking a server how large and how busy its tables are; nothing is changed and no row is read."""

from __future__ import annotations

from datetime import datetime

import psycopg

from kfm_ci.clock import timestamp
from kfm_ci.errors import CannotCheck
from kfm_ci.evidence.table_statistics.model import Statistics, TableSize

# A partitioned table stores nothing itself: its partitions are added up. What was never analysed has reltuples -1.
TABLES = """
with watched as (
  select greatest(extract(epoch from now() - coalesce(d.stats_reset, pg_postmaster_start_time())), 1) as seconds
    from pg_stat_database d where d.datname = current_database()
), stored as (
  select c.oid as root, c.oid from pg_class c where c.relkind in ('r', 'm')
  union all
  select c.oid, leaf.relid from pg_class c, pg_partition_tree(c.oid) leaf where c.relkind = 'p' and leaf.isleaf
), counted as (
  select stored.root, pg_table_size(leaf.oid) as bytes, pg_indexes_size(leaf.oid) as index_bytes,
         case when leaf.reltuples >= 0 then greatest(leaf.reltuples, coalesce(s.n_live_tup, 0))
              when s.n_live_tup > 0 then s.n_live_tup when pg_relation_size(leaf.oid) = 0 then 0 end as rows,
         s.n_tup_ins + s.n_tup_upd + s.n_tup_del as writes, s.seq_scan + coalesce(s.idx_scan, 0) as reads
    from stored join pg_class leaf on leaf.oid = stored.oid left join pg_stat_all_tables s on s.relid = leaf.oid
)
select quote_ident(n.nspname) || '.' || quote_ident(c.relname),
       case when count(*) = count(counted.rows) then sum(counted.rows)::bigint end,
       sum(counted.bytes)::bigint, (select count(*) from pg_index i where i.indrelid = c.oid),
       sum(counted.index_bytes)::bigint,
       round((sum(counted.writes) / max(watched.seconds))::numeric, 3)::float8,
       round((sum(counted.reads) / max(watched.seconds))::numeric, 3)::float8
  from counted join pg_class c on c.oid = counted.root join pg_namespace n on n.oid = c.relnamespace cross join watched
 where n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast', 'kfm_ci') and n.nspname !~ '^pg_(toast_)?temp_'
   and c.relpersistence <> 't'
 group by c.oid, n.nspname, c.relname
 order by n.nspname, c.relname
"""


def read(url: str, *, environment: str, now: datetime) -> Statistics:
    """Return the sizes of a real database's tables; raises CannotCheck when it does not answer."""
    try:
        with psycopg.connect(
            url,
            options="-c default_transaction_read_only=on -c statement_timeout=60000 -c search_path=pg_catalog,pg_temp",
            client_encoding="utf8",
            application_name="kfm-ci stats",
            connect_timeout=10,
        ) as connection:
            rows = connection.execute(TABLES).fetchall()
            version = connection.info.parameter_status("server_version") or "unknown"
    except psycopg.Error as error:
        reason = error.diag.message_primary or type(error).__name__
        raise CannotCheck(
            code="KFM-C60",
            message=f"The statistics cannot be queried: {reason.removesuffix('.')}.",
            where=f"environment {environment}",
            help="Check the URL in the environment's variable and the role's privileges.",
        ) from error
    tables = tuple(
        TableSize(
            name=name,
            rows=count,
            bytes=size,
            indexes=indexes,
            index_bytes=index_size,
            writes_per_second=writes,
            reads_per_second=reads,
        )
        for name, count, size, indexes, index_size, writes, reads in rows
    )
    return Statistics(
        environment=environment, taken_at=timestamp(now), server_version=version.partition(" ")[0], tables=tables
    )
