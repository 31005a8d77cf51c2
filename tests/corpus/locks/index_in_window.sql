-- expect: safe
-- why: the author has said so
-- rollout: requires-maintenance-window
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date);
-- up:
create index widgets_name_idx on widgets (name);
-- down:
drop index widgets_name_idx;
