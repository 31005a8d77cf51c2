-- expect: safe
-- why: a guarded block that changes the catalog only
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date, made_at timestamp);
-- up:
do $$
begin
  if not exists (select from information_schema.columns where table_name = 'widgets' and column_name = 'weight') then
    alter table widgets add column weight integer;
  end if;
end $$;
-- down:
alter table widgets drop column weight;
