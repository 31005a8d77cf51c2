-- expect: context data-dependent backfill
-- why: a parent has several children
-- rollback: manual
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date);
create table orders (id bigint primary key, widget_id bigint, customer text not null, total integer);
alter table orders add foreign key (widget_id) references widgets;
-- up:
update widgets set quantity = (select total from orders o where o.widget_id = widgets.id) where id in (select widget_id from orders);
-- down:
select 1;
