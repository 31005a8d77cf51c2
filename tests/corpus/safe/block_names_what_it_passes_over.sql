-- expect: safe
-- why: who names the conditions has thought of them
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
    exception when invalid_text_representation or numeric_value_out_of_range or not_null_violation then null;
    end;
  end loop;
end $$;
-- down:
drop table numbers;
