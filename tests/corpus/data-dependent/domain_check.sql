-- expect: context data-dependent blocks-writes full-scan
-- why: a value that the domain no longer takes
-- base:
create domain weight as integer;
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date, made_at timestamp);
alter table widgets add column weight weight;
-- up:
alter domain weight add constraint weight_positive check (value > 0);
-- down:
alter domain weight drop constraint weight_positive;
