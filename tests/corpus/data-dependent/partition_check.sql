-- expect: context data-dependent blocks-reads full-scan
-- why: a row outside the bounds
-- base:
create table events (id bigint not null, kind text not null) partition by list (kind);
create table events_a partition of events for values in ('a', 'b');
create table candidates (id bigint not null, kind text not null);
-- up:
alter table events attach partition candidates for values in ('c');
-- down:
alter table events detach partition candidates;
