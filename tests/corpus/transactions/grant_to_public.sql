-- expect: safe
-- why: widens rights
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date);
-- up:
grant select on widgets to public;
-- down:
revoke select on widgets from public;
