-- expect: unsafe blocks-writes
-- why: a procedure is seen through
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date, made_at timestamp);
create procedure speed_up() language plpgsql as $$ begin create index widgets_colour_idx on widgets (colour); end $$;
-- up:
call speed_up();
-- down:
drop index widgets_colour_idx;
