-- expect: safe
-- why: catalog only
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date);
-- up:
comment on table widgets is 'what we sell';
-- down:
comment on table widgets is null;
