-- expect: safe
-- why: nobody waits for what is new
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date);
-- up:
create table parts (id bigint primary key, name text not null, unique (name));
create index on parts (name);
-- down:
drop table parts;
