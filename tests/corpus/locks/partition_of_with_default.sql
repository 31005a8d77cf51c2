-- expect: unsafe blocks-reads full-scan
-- why: the default partition is read for rows of the new one
-- base:
create table events (id bigint not null, kind text not null) partition by list (kind);
create table events_a partition of events for values in ('a', 'b');
create table events_rest partition of events default;
-- up:
create table events_c partition of events for values in ('c');
-- down:
drop table events_c;
