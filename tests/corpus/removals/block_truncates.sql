-- expect: unsafe data-loss rollback-unproven
-- why: a block empties a table
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date, made_at timestamp);
-- up:
do $$
begin
  execute 'truncate ' || 'widgets';
end $$;
-- down:
select 1;
