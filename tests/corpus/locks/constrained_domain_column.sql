-- expect: unsafe table-rewrite blocks-reads
-- why: rewrites the table, which the text does not tell
-- base:
create domain percent as integer check (value between 0 and 100);
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date);
-- up:
alter table widgets add column share percent;
-- down:
alter table widgets drop column share;
