-- expect: unsafe breaks-clients
-- why: queries use the old name
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date);
-- up:
alter table widgets rename to gadgets;
-- down:
alter table gadgets rename to widgets;
