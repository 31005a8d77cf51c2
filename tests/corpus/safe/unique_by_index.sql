-- expect: safe
-- why: built beside the writers, attached in an instant
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date);
-- up:
create unique index concurrently widgets_pair on widgets (id, name);
-- down:
drop index concurrently if exists widgets_pair;
-- up:
alter table widgets add constraint widgets_pair unique using index widgets_pair;
-- down:
alter table widgets drop constraint widgets_pair;
create unique index widgets_pair on widgets (id, name);
