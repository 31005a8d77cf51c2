-- expect: unsafe data-loss breaks-clients
-- why: data and clients
-- rollback: manual
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date);
-- up:
alter table widgets drop column name;
-- down:
select 1;
