-- expect: safe
-- why: a new partition joins while the table is in use
-- base:
create table events (id bigint not null, kind text not null) partition by list (kind);
create table events_a partition of events for values in ('a', 'b');
-- up:
create table events_c (id bigint not null, kind text not null);
alter table events attach partition events_c for values in ('c');
-- down:
alter table events detach partition events_c;
drop table events_c;
