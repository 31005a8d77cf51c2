-- expect: safe
-- why: its rows are known
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date);
-- up:
create table parts (id bigint primary key, name text);
insert into parts values (1, 'a'), (2, 'b');
alter table parts alter column name set not null;
-- down:
drop table parts;
