-- [KFM_MIGRATION]
-- id: 20260223_0900__add_order_note
-- owner: shop-team
-- ticket: https://github.com/example/shop/issues/8
-- risk: low
-- rollout: safe
-- rollback: down
-- dialect: postgresql
-- phase: expand
-- impact: nullable column; a lock for a moment, and no rewrite
-- [/KFM_MIGRATION]

alter table orders add column note text;
comment on column orders.note is 'What the customer wrote for the warehouse.';
