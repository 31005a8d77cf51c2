-- expect: context data-dependent blocks-reads
-- why: the column has NULLs
-- base:
create table logs (line bigint, text text);
-- up:
alter table logs add primary key (line);
-- down:
alter table logs drop constraint logs_pkey;
alter table logs alter column line drop not null;
