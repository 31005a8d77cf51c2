-- expect: safe
-- why: all of it is new
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date, made_at timestamp);
-- up:
create table logs (id bigint not null, day date not null, primary key (id, day)) partition by range (day);
create table logs_1 partition of logs for values from ('2024-01-01') to ('2025-01-01');
create index on logs (day);
-- down:
drop table logs;
