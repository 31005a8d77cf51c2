-- No item without its order.
select * from order_items i where not exists (select from orders o where o.id = i.order_id);
