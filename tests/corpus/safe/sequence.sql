-- expect: safe
-- why: nobody uses it yet
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date);
-- up:
create sequence ticket_numbers;
-- down:
drop sequence ticket_numbers;
