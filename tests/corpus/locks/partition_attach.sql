-- expect: unsafe blocks-reads full-scan
-- why: reads the table to be attached
-- base:
create table events (id bigint, day date not null) partition by range (day);
create table events_old (id bigint, day date not null check (day >= '2021-01-01' and day < '2022-01-01'));
alter table events_old drop constraint events_old_day_check;
insert into events_old values (1, '2021-05-05');
-- up:
alter table events attach partition events_old for values from ('2020-01-01') to ('2030-01-01');
-- down:
alter table events detach partition events_old;
