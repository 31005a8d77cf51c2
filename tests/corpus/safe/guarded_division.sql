-- expect: safe
-- why: zero is taken care of
-- rollback: manual
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date);
create table ratios (id bigint, ratio numeric);
-- up:
insert into ratios select id, 100 / nullif(quantity, 0) from widgets where id < 1000000;
-- down:
truncate ratios;
