-- expect: safe
-- why: neither table is read
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date);
create table orders (id bigint primary key, widget_id bigint, customer text not null, total integer);
create index on orders (widget_id);
-- up:
alter table orders add constraint orders_widget foreign key (widget_id) references widgets not valid;
-- down:
alter table orders drop constraint orders_widget;
