-- expect: safe
-- why: keys of synthetic rows leave room
-- rollback: down
-- base:
create table settings (id serial primary key, name text not null unique);
-- up:
insert into settings (id, name) values (1, 'theme') on conflict do nothing;
-- down:
delete from settings where id = 1;
