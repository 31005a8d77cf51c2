-- expect: unsafe data-loss breaks-clients rollback-unproven
-- why: the view goes with the column
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date, made_at timestamp);
create view colours as select id, colour from widgets;
-- up:
alter table widgets drop column colour cascade;
-- down:
alter table widgets add column colour text;
create view colours as select id, colour from widgets;
