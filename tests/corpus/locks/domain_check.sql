-- expect: unsafe blocks-writes full-scan
-- why: every table that uses the domain is read
-- base:
create domain weight as integer;
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date, made_at timestamp);
alter table widgets add column weight weight;
-- up:
alter domain weight add constraint known check (value is null or value is not null);
-- down:
alter domain weight drop constraint known;
