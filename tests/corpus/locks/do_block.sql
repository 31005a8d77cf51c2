-- expect: unsafe blocks-writes
-- why: what a block does is seen
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date);
-- up:
do $$ begin execute 'create index on widgets (name)'; end $$;
-- down:
drop index widgets_name_idx;
