-- expect: safe
-- why: more digits, same scale: no rewrite
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date, made_at timestamp);
-- up:
alter table widgets alter column price type numeric(12,2);
-- down:
alter table widgets alter column price type numeric(10,2);
