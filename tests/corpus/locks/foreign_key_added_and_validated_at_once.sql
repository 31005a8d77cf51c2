-- expect: unsafe blocks-writes full-scan data-dependent
-- why: writers of both tables wait for the read
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date, made_at timestamp);
create table makers (id integer primary key);
-- up:
alter table widgets add constraint made foreign key (quantity) references makers (id) not valid;
alter table widgets validate constraint made;
-- down:
alter table widgets drop constraint made;
