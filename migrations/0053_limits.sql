-- Limits that an org sets on itself, its teams, apps and keys. A plan's limits are plan_limits.
create table limits (
  id uuid constraint limits_pkey primary key,
  org_id uuid not null constraint limits_org_id_fkey references orgs (id) on delete cascade,
  scope_kind text not null
    constraint limits_scope_kind_check check (scope_kind in ('org', 'team', 'app', 'key')),
  scope_id uuid not null,
  metric text not null constraint limits_metric_check check (metric in ('requests', 'tokens', 'money')),
  time_window text not null constraint limits_time_window_check
    check (time_window in ('second', 'minute', 'hour', 'day', 'month', 'lifetime')),
  max bigint not null constraint limits_max_check check (max >= 0),
  created_at timestamptz not null,
  version bigint not null default 1,
  constraint limits_scope_metric_time_window_key unique (org_id, scope_kind, scope_id, metric, time_window)
);
create index limits_org_id_created_at_idx on limits (org_id, created_at desc, id desc);

select raise_tenant_wall('limits');

revoke all on limits from public;
grant select, insert, update, delete on limits to app_tenant, app_system;
