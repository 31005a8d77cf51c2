-- expect: unsafe blocks-reads full-scan
-- why: even a column of NULLs is checked row by row
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date, made_at timestamp);
-- up:
alter table widgets add column weight integer check (weight > 0);
-- down:
alter table widgets drop column weight;
