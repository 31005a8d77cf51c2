-- expect: unsafe data-loss breaks-clients rollback-unproven
-- why: a block drops what the application reads
-- base:
create table widgets (id bigint primary key, name text, colour text, price numeric(10,2), quantity integer not null default 0, code varchar(40), made_on date, made_at timestamp);
-- up:
do $$
begin
  execute format('alter table %I drop column %I', 'widgets', 'colour');
end $$;
-- down:
alter table widgets add column colour text;
