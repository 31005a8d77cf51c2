-- expect: unsafe privilege migration-error
-- why: reaches beyond the database
-- rollback: manual
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date);
-- up:
alter system set work_mem = '1GB';
-- down:
select 1;
