-- expect: context data-dependent blocks-reads
-- why: values repeat
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date);
-- up:
alter table widgets add constraint widgets_code_key unique (code);
-- down:
alter table widgets drop constraint widgets_code_key;
