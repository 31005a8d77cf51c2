-- expect: context data-dependent
-- why: the handler stands in a function that was there before; the one failing row takes the whole work with it
-- base:
create table widgets (id bigint primary key, code text);
create table numbers (widget bigint primary key, number bigint not null);
create function number_widgets() returns void language plpgsql as $$
begin
  insert into numbers select id, code::bigint from widgets on conflict do nothing;
exception when others then
  return;
end $$;
-- up:
select number_widgets();
-- down:
select 1;
