-- expect: safe
-- why: not used in the same transaction
-- rollback: manual
-- base:
create type mood as enum ('sad', 'ok');
create table people (id bigint primary key, mood mood);
-- up:
alter type mood add value 'great';
-- down:
select 1;
