-- expect: unsafe blocks-reads backfill
-- why: a lock taken early in a block is held through its end
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date, made_at timestamp);
-- up:
do $$
begin
  alter table widgets add column weight integer;
  update widgets set weight = 1 where weight is null;
end $$;
-- down:
alter table widgets drop column weight;
