-- expect: context data-dependent backfill blocks-reads
-- why: a quantity may be zero
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date);
-- up:
alter table widgets add column unit_price numeric;
update widgets set unit_price = 100 / quantity where id > 0;
-- down:
alter table widgets drop column unit_price;
