-- expect: safe
-- why: a policy on a table that has row security already
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date, made_at timestamp);
alter table widgets enable row level security;
-- up:
create policy mine on widgets for select using (true);
-- down:
drop policy mine on widgets;
