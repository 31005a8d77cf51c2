-- [KFM_MIGRATION]
-- id: 20260112_1000__create_orders
-- owner: shop-team
-- ticket: https://github.com/example/shop/issues/3
-- risk: low
-- rollout: safe
-- rollback: down
-- dialect: postgresql
-- phase: expand
-- impact: new table; its foreign key locks customers for a moment
-- [/KFM_MIGRATION]

create table orders (
    id bigint generated always as identity primary key,
    customer_id bigint not null references customers (id),
    placed_at timestamptz not null default now(),
    status text not null default 'open' check (status in ('open', 'paid', 'shipped', 'cancelled'))
);
create index orders_customer_id_idx on orders (customer_id);
