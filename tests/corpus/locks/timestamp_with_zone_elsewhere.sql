-- expect: unsafe blocks-reads table-rewrite breaks-clients
-- why: under a zone other than UTC every value changes
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date, made_at timestamp);
-- up:
set local timezone = 'America/New_York';
alter table widgets alter column made_at type timestamptz;
-- down:
set local timezone = 'America/New_York';
alter table widgets alter column made_at type timestamp;
