set local lock_timeout = '2s';
alter table customers add column name text;
