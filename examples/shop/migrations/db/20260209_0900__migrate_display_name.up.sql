-- [KFM_MIGRATION]
-- id: 20260209_0900__migrate_display_name
-- owner: shop-team
-- ticket: https://github.com/example/shop/issues/6
-- risk: low
-- rollout: safe
-- rollback: down
-- dialect: postgresql
-- phase: migrate
-- impact: fills display_name for at most 5000 customers; repeat until it changes nothing
-- [/KFM_MIGRATION]

update customers
   set display_name = fullname
 where id in (
    select id
      from customers
     where display_name is null
     order by id
     limit 5000
 );
