-- expect: unsafe blocks-reads table-rewrite
-- why: it is written anew in order
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date, made_at timestamp);
-- up:
cluster widgets using widgets_pkey;
-- down:
alter table widgets set without cluster;
