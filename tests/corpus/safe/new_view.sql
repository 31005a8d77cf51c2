-- expect: safe
-- why: nobody uses it yet
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date);
-- up:
create view named as select id, name from widgets;
-- down:
drop view named;
