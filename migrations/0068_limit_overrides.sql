-- Another maximum of a limit for a while, [starts_at, ends_at). Those of one limit do not overlap:
-- the program locks the limit while it adds one.
create table limit_overrides (
  id uuid constraint limit_overrides_pkey primary key,
  org_id uuid not null constraint limit_overrides_org_id_fkey references orgs (id) on delete cascade,
  limit_id uuid not null constraint limit_overrides_limit_id_fkey references limits (id) on delete cascade,
  max bigint not null constraint limit_overrides_max_check check (max >= 0),
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  reason text not null,
  created_by uuid constraint limit_overrides_created_by_fkey references people (id) on delete set null,
  -- As it was then: an override outlives its maker's membership.
  created_by_name text not null,
  created_at timestamptz not null,
  constraint limit_overrides_length_check check (ends_at > starts_at)
);
create index limit_overrides_limit_id_ends_at_idx on limit_overrides (limit_id, ends_at);

select raise_tenant_wall('limit_overrides');

revoke all on limit_overrides from public;
grant select, insert, delete on limit_overrides to app_tenant;
grant update (ends_at) on limit_overrides to app_tenant;
grant select on limit_overrides to app_system;
