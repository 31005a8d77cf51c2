-- expect: unsafe table-rewrite blocks-reads
-- why: rewrites the table
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date);
-- up:
alter table widgets add column number bigint generated always as identity;
-- down:
alter table widgets drop column number;
