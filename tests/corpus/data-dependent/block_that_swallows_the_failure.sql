-- expect: context data-dependent
-- why: a block that swallows the failure leaves another schema where rows are in the way
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date, made_at timestamp);
-- up:
do $$
begin
  alter table widgets alter column name set not null;
exception when others then null;
end $$;
-- down:
alter table widgets alter column name drop not null;
