-- expect: unsafe blocks-reads full-scan data-dependent
-- why: the check names the column, and proves nothing
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date, made_at timestamp);
alter table widgets add constraint named check (name is not null or colour is not null);
-- up:
alter table widgets alter column name set not null;
-- down:
alter table widgets alter column name drop not null;
