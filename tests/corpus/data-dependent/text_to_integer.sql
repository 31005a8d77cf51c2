-- expect: context data-dependent table-rewrite blocks-reads breaks-clients
-- why: texts that are no numbers
-- rollback: manual
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date);
-- up:
alter table widgets alter column code type integer using code::integer;
-- down:
select 1;
