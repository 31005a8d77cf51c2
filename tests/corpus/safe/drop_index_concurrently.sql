-- expect: safe
-- why: nobody waits
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date, made_at timestamp);
create index widgets_name_idx on widgets (name);
-- up:
drop index concurrently widgets_name_idx;
-- down:
create index concurrently widgets_name_idx on widgets (name);
