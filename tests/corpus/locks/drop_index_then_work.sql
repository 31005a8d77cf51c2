-- expect: unsafe blocks-reads backfill
-- why: the lock of the drop is held through the update
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date, made_at timestamp);
create index widgets_name_idx on widgets (name);
-- up:
drop index widgets_name_idx;
update widgets set colour = name where colour is null;
-- down:
create index widgets_name_idx on widgets (name);
