-- expect: context data-dependent
-- why: the schema is the same, but whatever row the block trips over is left out, and nobody hears of it
-- base:
create table widgets (id bigint primary key, code text);
-- up:
create table numbers (widget bigint primary key, number bigint not null);
do $$
declare w widgets;
begin
  for w in select * from widgets loop
    begin
      insert into numbers values (w.id, w.code::bigint);
    exception when others then null;
    end;
  end loop;
end $$;
-- down:
drop table numbers;
