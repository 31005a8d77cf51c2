-- [KFM_MIGRATION]
-- id: 20260105_0900__create_customers
-- owner: shop-team
-- ticket: https://github.com/example/shop/issues/1
-- risk: low
-- rollout: safe
-- rollback: down
-- dialect: postgresql
-- phase: expand
-- impact: new table, not used yet
-- [/KFM_MIGRATION]

create table customers (
    id bigint generated always as identity primary key,
    email text not null unique,
    fullname text not null,
    created_at timestamptz not null default now()
);
