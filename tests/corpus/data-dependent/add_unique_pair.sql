-- expect: context data-dependent blocks-reads
-- why: pairs repeat, although each row has a key
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date);
-- up:
alter table widgets add constraint widgets_pair unique (name, colour);
-- down:
alter table widgets drop constraint widgets_pair;
