-- expect: context data-dependent
-- why: emails that differ in case
-- base:
create table people (id bigint primary key, email text not null unique);
-- up:
create unique index concurrently people_email on people (lower(email));
-- down:
drop index concurrently people_email;
