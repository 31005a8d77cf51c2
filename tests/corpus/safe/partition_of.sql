-- expect: safe
-- why: without a default partition nothing is read
-- base:
create table events (id bigint not null, kind text not null) partition by list (kind);
create table events_a partition of events for values in ('a', 'b');
-- up:
create table events_c partition of events for values in ('c');
-- down:
drop table events_c;
