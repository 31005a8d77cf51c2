-- expect: safe
-- why: id is unique already
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date);
-- up:
create unique index concurrently widgets_id_name_key on widgets (id, name);
-- down:
drop index concurrently widgets_id_name_key;
