-- expect: safe
-- why: a value in place of one that does not convert, and a table that keeps what failed, are answers to a failure
-- base:
create table widgets (id bigint primary key, code text);
-- up:
create table numbers (widget bigint primary key, number bigint not null);
create table refused (widget bigint primary key, reason text not null);
do $$
declare w widgets; number bigint;
begin
  for w in select * from widgets loop
    begin
      number := coalesce(w.code::bigint, 0);
    exception when others then
      number := 0;
    end;
    begin
      insert into numbers select w.id, number where w.code::date is not null;
    exception when others then
      insert into refused values (w.id, sqlerrm);
    end;
  end loop;
end $$;
-- down:
drop table refused;
drop table numbers;
