-- expect: unsafe breaks-clients
-- why: queries use it
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date);
create view named as select id, name from widgets;
-- up:
drop view named;
-- down:
create view named as select id, name from widgets;
