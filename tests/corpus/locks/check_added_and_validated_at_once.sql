-- expect: unsafe blocks-reads full-scan
-- why: the strong lock of the first is held while the second reads
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date, made_at timestamp);
-- up:
alter table widgets add constraint known check (id is not null) not valid;
alter table widgets validate constraint known;
-- down:
alter table widgets drop constraint known;
