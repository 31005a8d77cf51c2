-- expect: context data-dependent table-rewrite blocks-reads breaks-clients
-- why: numbers too large for the precision
-- rollback: manual
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date);
-- up:
alter table widgets alter column price type numeric(6,2);
-- down:
select 1;
