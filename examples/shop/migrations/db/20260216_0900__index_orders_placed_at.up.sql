-- [KFM_MIGRATION]
-- id: 20260216_0900__index_orders_placed_at
-- owner: shop-team
-- ticket: https://github.com/example/shop/issues/7
-- risk: low
-- rollout: safe
-- rollback: down
-- dialect: postgresql
-- phase: expand
-- impact: index for the monthly report; built without blocking writes
-- transaction: no
-- transaction-reason: the index is built concurrently
-- [/KFM_MIGRATION]

create index concurrently orders_placed_at_idx on orders (placed_at);
