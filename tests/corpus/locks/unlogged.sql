-- expect: unsafe blocks-reads table-rewrite data-loss
-- why: it is written anew
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date, made_at timestamp);
-- up:
alter table widgets set unlogged;
-- down:
alter table widgets set logged;
