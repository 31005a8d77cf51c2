-- expect: safe
-- why: for new rows only
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date);
-- up:
alter table widgets alter column colour set default 'red';
-- down:
alter table widgets alter column colour drop default;
