-- expect: unsafe table-rewrite blocks-reads
-- why: rewrites under an exclusive lock
-- rollback: manual
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date);
-- up:
vacuum full widgets;
-- down:
select 1;
