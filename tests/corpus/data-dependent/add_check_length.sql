-- expect: context data-dependent blocks-reads full-scan
-- why: a text may be empty
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date);
-- up:
alter table widgets add constraint named check (length(name) > 0);
-- down:
alter table widgets drop constraint named;
