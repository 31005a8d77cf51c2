-- expect: safe
-- why: nobody calls it yet
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date);
-- up:
create function twice(integer) returns integer language sql immutable as 'select 2 * $1';
-- down:
drop function twice(integer);
