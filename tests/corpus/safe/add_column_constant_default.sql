-- expect: safe
-- why: no rewrite since PostgreSQL 11
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date);
-- up:
alter table widgets add column active boolean not null default true;
-- down:
alter table widgets drop column active;
