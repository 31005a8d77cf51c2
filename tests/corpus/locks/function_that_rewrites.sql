-- expect: unsafe blocks-reads table-rewrite
-- why: a function of the application is seen through
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date, made_at timestamp);
create function widen() returns void language plpgsql as $$ begin alter table widgets alter column quantity type bigint; end $$;
-- up:
select widen();
-- down:
alter table widgets alter column quantity type integer;
