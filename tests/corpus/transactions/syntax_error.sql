-- expect: unsafe migration-error
-- why: not SQL
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date);
-- up:
alter tabel widgets add column note text;
-- down:
select 1;
