-- expect: safe
-- why: same signature, other body
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date, made_at timestamp);
create function area(a int, b int) returns int language sql as 'select a';
-- up:
create or replace function area(a int, b int) returns int language sql as 'select a * b';
-- down:
create or replace function area(a int, b int) returns int language sql as 'select a';
