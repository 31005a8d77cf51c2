-- expect: safe
-- why: nobody waits for what is new
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date);
-- up:
create table parts (id bigint primary key, touched timestamptz);
create function touch() returns trigger language plpgsql as $$ begin new.touched := now(); return new; end $$;
create trigger touch before update on parts for each row execute function touch();
-- down:
drop table parts;
drop function touch();
