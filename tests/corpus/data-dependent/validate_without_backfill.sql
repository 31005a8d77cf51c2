-- expect: context data-dependent
-- why: old rows were never mended
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date);
-- up:
alter table widgets add constraint positive check (price > 0) not valid;
-- down:
alter table widgets drop constraint positive;
-- up:
alter table widgets validate constraint positive;
-- down:
alter table widgets drop constraint positive;
alter table widgets add constraint positive check (price > 0) not valid;
