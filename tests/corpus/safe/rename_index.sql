-- expect: safe
-- why: no query names an index
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date, made_at timestamp);
create index widgets_name_idx on widgets (name);
-- up:
alter index widgets_name_idx rename to widgets_by_name;
-- down:
alter index widgets_by_name rename to widgets_name_idx;
