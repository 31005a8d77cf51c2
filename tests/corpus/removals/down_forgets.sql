-- expect: unsafe rollback-unproven
-- why: the way back leaves a column
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date);
-- up:
alter table widgets add column note text;
-- down:
select 1;
