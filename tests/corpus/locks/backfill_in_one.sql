-- expect: unsafe backfill blocks-reads
-- why: schema and all rows in one transaction
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date);
-- up:
alter table widgets add column slug text;
update widgets set slug = lower(name);
-- down:
alter table widgets drop column slug;
