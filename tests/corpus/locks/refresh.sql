-- expect: unsafe blocks-reads
-- why: readers of the view wait while it is filled
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date, made_at timestamp);
create materialized view names as select id, name from widgets;
create unique index on names (id);
-- up:
refresh materialized view names;
-- down:
select 1;
