-- expect: safe
-- why: no query names it
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date, made_at timestamp);
alter table widgets add constraint positive check (quantity >= 0);
-- up:
alter table widgets rename constraint positive to quantity_positive;
-- down:
alter table widgets rename constraint quantity_positive to positive;
