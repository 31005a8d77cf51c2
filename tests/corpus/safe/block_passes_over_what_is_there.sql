-- expect: safe
-- why: the failure has nothing to do with rows: it comes on empty tables as often
-- base:
create table widgets (id bigint primary key, code text);
create type colour as enum ('red', 'green');
-- up:
do $$
begin
  create type colour as enum ('red', 'green');
exception when others then null;
end $$;
do $$
begin
  alter table widgets add column colour colour;
exception when others then
  raise notice 'column colour is there already';
end $$;
-- down:
alter table widgets drop column colour;
