-- expect: safe
-- why: the rows are mended before the constraint is validated
-- rollback: manual
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date);
-- up:
alter table widgets add constraint name_there check (name is not null) not valid;
-- down:
alter table widgets drop constraint name_there;
-- up:
update widgets set name = 'unnamed' where id in (select id from widgets where name is null order by id limit 5000);
-- down:
select 1;
-- up:
alter table widgets validate constraint name_there;
-- down:
alter table widgets drop constraint name_there;
alter table widgets add constraint name_there check (name is not null) not valid;
