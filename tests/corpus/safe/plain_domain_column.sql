-- expect: safe
-- why: a domain without constraints needs no rewrite
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date, made_at timestamp);
-- up:
create domain weight as integer;
alter table widgets add column weight weight;
-- down:
alter table widgets drop column weight;
drop domain weight;
