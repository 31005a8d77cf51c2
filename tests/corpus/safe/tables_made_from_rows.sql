-- expect: safe
-- why: more objects where there are more rows is what the block is for; nothing is left out
-- base:
create table widgets (id bigint primary key, colour text);
-- up:
do $$
declare shade record;
begin
  for shade in select distinct left(md5(colour), 8) as name from widgets where colour is not null loop
    execute format('create table widgets_%s (id bigint primary key)', shade.name);
  end loop;
end $$;
-- down:
do $$
declare made record;
begin
  for made in select relname from pg_class where relname ~ '^widgets_[0-9a-f]{8}$' and relkind = 'r' loop
    execute format('drop table %I', made.relname);
  end loop;
end $$;
