-- expect: safe
-- why: one row for a table that migrations fill
-- base:
create table sizes (id integer primary key, name text not null unique);
insert into sizes values (1, 'small'), (2, 'medium');
-- up:
insert into sizes values (3, 'large') on conflict do nothing;
-- down:
delete from sizes where id = 3;
