-- The copied names do no harm: the application still reads fullname.
select 1;
