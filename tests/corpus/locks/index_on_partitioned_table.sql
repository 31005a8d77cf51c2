-- expect: unsafe blocks-writes
-- why: every partition is locked while it is indexed
-- base:
create table events (id bigint not null, kind text not null) partition by list (kind);
create table events_a partition of events for values in ('a', 'b');
-- up:
create index events_id_idx on events (id);
-- down:
drop index events_id_idx;
