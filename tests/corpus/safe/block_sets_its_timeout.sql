-- expect: safe
-- why: the timeout in effect inside the block counts
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date, made_at timestamp);
-- up:
do $$
begin
  perform set_config('lock_timeout', '2s', true);
  execute 'alter table widgets add column weight integer';
end $$;
-- down:
alter table widgets drop column weight;
