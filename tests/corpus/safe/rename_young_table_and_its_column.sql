-- expect: safe
-- why: table and column came with the same change, under the names that are renamed
-- base:
create table widgets (id bigint primary key, name text);
-- up:
create table organisations (organisation_id bigint primary key, name text);
-- down:
drop table organisations;
-- up:
alter table public.organisations rename to organizations;
alter table public.organizations rename column organisation_id to organization_id;
-- down:
alter table public.organizations rename column organization_id to organisation_id;
alter table public.organizations rename to organisations;
