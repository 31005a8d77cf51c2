-- expect: safe
-- why: now() is evaluated once
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date);
-- up:
alter table widgets add column seen_at timestamptz not null default now();
-- down:
alter table widgets drop column seen_at;
