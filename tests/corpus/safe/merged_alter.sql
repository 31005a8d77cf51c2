-- expect: safe
-- why: several catalog changes in one statement
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date, made_at timestamp);
-- up:
alter table widgets add column weight integer, add column depth integer default 1, alter column colour set default 'red';
-- down:
alter table widgets drop column weight, drop column depth, alter column colour drop default;
