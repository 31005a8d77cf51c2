-- expect: safe
-- why: readers go on
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date, made_at timestamp);
create materialized view names as select id, name from widgets;
create unique index on names (id);
-- up:
refresh materialized view concurrently names;
-- down:
select 1;
