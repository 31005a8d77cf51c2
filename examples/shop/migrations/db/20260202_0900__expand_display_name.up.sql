-- [KFM_MIGRATION]
-- id: 20260202_0900__expand_display_name
-- owner: shop-team
-- ticket: https://github.com/example/shop/issues/5
-- risk: low
-- rollout: safe
-- rollback: down
-- dialect: postgresql
-- phase: expand
-- impact: nullable column; the application writes both names from now on
-- [/KFM_MIGRATION]

alter table customers add column display_name text;
