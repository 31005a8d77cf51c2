-- [KFM_MIGRATION]
-- id: 20260302_0900__contract_display_name
-- owner: shop-team
-- ticket: https://github.com/example/shop/issues/9
-- risk: high
-- rollout: safe
-- rollback: manual
-- runbook: docs/runbooks/fullname.md
-- dialect: postgresql
-- phase: contract
-- impact: removes customers.fullname; every release since 2026-02-16 reads and writes display_name
-- [/KFM_MIGRATION]

alter table customers drop column fullname;
