-- expect: safe
-- why: a trigger locks writers out for a catalog change only
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date, made_at timestamp);
-- up:
create function touch() returns trigger language plpgsql as $$ begin return new; end $$;
create trigger touch before update on widgets for each row execute function touch();
-- down:
drop trigger touch on widgets;
drop function touch();
