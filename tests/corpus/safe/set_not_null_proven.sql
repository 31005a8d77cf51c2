-- expect: safe
-- why: a validated check spares the scan, and no row has NULL
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date);
alter table widgets add constraint name_there check (name is not null);
-- up:
alter table widgets alter column name set not null;
-- down:
alter table widgets alter column name drop not null;
