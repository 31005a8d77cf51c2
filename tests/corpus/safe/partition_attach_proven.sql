-- expect: safe
-- why: a valid check proves the bounds, so the table is not read
-- base:
create table events (id bigint not null, kind text not null) partition by list (kind);
create table events_a partition of events for values in ('a', 'b');
create table candidates (id bigint not null, kind text not null, constraint bounds check (kind is not null and kind = 'c'));
-- up:
alter table events attach partition candidates for values in ('c');
-- down:
alter table events detach partition candidates;
