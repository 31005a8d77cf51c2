-- [KFM_MIGRATION]
-- id: 20260105_0910__create_products
-- owner: shop-team
-- ticket: https://github.com/example/shop/issues/2
-- risk: low
-- rollout: safe
-- rollback: down
-- dialect: postgresql
-- phase: expand
-- impact: new table, not used yet
-- [/KFM_MIGRATION]

create table products (
    id bigint generated always as identity primary key,
    sku text not null unique,
    name text not null,
    price_cents integer not null check (price_cents >= 0)
);
