--liquibase formatted sql

--changeset ann:create-customers
create table customers (
  id bigint generated always as identity primary key,
  email text not null unique
);
--rollback drop table customers;

--changeset ann:name-customers
set local lock_timeout = '2s';
alter table customers add column name text;
--rollback set local lock_timeout = '2s';
--rollback alter table customers drop column name;

--changeset ann:index-customers runInTransaction:false
create index concurrently customers_name_idx on customers (name);
--rollback drop index concurrently customers_name_idx;
