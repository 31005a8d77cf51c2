-- expect: unsafe rollback-unproven data-loss
-- why: the old values are gone after the way back
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date);
-- up:
update widgets set name = lower(name) where id < 100000000;
-- down:
select 1;
