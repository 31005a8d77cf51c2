-- expect: unsafe blocks-reads full-scan data-dependent
-- why: the index is there, NOT NULL is not
-- base:
create table makers (id integer, name text);
create unique index makers_id on makers (id);
-- up:
alter table makers add constraint makers_key primary key using index makers_id;
-- down:
alter table makers drop constraint makers_key;
alter table makers alter column id drop not null;
create unique index makers_id on makers (id);
