-- A customer can order, and the order is open.
insert into customers (email, display_name) values ('ada@example.com', 'Ada');
insert into orders (customer_id) select id from customers where email = 'ada@example.com';
select count(*) = 1 from orders o join customers c on c.id = o.customer_id where c.email = 'ada@example.com' and o.status = 'open';
