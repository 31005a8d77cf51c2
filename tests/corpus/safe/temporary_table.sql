-- expect: safe
-- why: a temporary table is gone with the session
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date, made_at timestamp);
-- up:
create temporary table keep on commit drop as select 1 as id;
alter table widgets add column weight integer;
-- down:
alter table widgets drop column weight;
