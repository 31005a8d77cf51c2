-- expect: context data-dependent blocks-reads full-scan
-- why: inside a block it fails on the same rows
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date, made_at timestamp);
-- up:
do $$
begin
  alter table widgets alter column name set not null;
end $$;
-- down:
alter table widgets alter column name drop not null;
