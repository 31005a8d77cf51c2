-- expect: safe
-- why: the usual way to create a type once
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date, made_at timestamp);
-- up:
do $$
begin
  create type mood as enum ('sad', 'ok');
exception when duplicate_object then null;
end $$;
-- down:
drop type mood;
