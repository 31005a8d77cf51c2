-- expect: safe
-- why: catalog only
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date);
-- up:
alter table widgets set (fillfactor = 90);
-- down:
alter table widgets reset (fillfactor);
