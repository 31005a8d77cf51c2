-- expect: context data-dependent
-- why: fails, and leaves an invalid index
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date);
-- up:
create unique index concurrently widgets_code_key on widgets (code);
-- down:
drop index concurrently widgets_code_key;
