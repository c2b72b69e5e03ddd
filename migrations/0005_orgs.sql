-- A tenant.
create table orgs (
  id uuid primary key,
  slug text not null constraint orgs_slug_key unique,
  name text not null,
  suspended boolean not null default false,
  created_at timestamptz not null,
  version bigint not null default 1
);
select raise_tenant_wall('orgs', 'id');
grant select, update on orgs to app_tenant;
grant select, insert, update on orgs to app_system;
