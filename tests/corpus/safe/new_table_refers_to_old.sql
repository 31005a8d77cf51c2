-- expect: safe
-- why: the lock on the old table is for catalog changes only
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date);
-- up:
create table parts (id bigint primary key, widget_id bigint not null references widgets);
create index on parts (widget_id);
-- down:
drop table parts;
