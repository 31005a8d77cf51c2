-- expect: unsafe blocks-reads table-rewrite
-- why: text that a loop makes is executed, so it is seen
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date, made_at timestamp);
-- up:
do $$
declare t text;
begin
  foreach t in array array['widgets'] loop
    execute format('alter table %I alter column quantity type bigint', t);
  end loop;
end $$;
-- down:
alter table widgets alter column quantity type integer;
