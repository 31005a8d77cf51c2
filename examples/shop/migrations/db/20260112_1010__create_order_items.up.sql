-- [KFM_MIGRATION]
-- id: 20260112_1010__create_order_items
-- owner: shop-team
-- ticket: https://github.com/example/shop/issues/4
-- risk: low
-- rollout: safe
-- rollback: down
-- dialect: postgresql
-- phase: expand
-- impact: new table; its foreign keys lock orders and products for a moment
-- [/KFM_MIGRATION]

create table order_items (
    order_id bigint not null references orders (id),
    product_id bigint not null references products (id),
    quantity integer not null check (quantity > 0),
    primary key (order_id, product_id)
);
create index order_items_product_id_idx on order_items (product_id);
