-- expect: unsafe breaks-clients
-- why: a block renames what the application reads
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date, made_at timestamp);
-- up:
do $$
begin
  execute 'alter table widgets rename column colour to hue';
end $$;
-- down:
alter table widgets rename column hue to colour;
