-- expect: unsafe blocks-reads
-- why: every index on the column is built anew
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date, made_at timestamp);
create index widgets_name_idx on widgets (name);
-- up:
alter table widgets alter column name type text collate "C";
-- down:
alter table widgets alter column name type text collate "default";
