-- Budgets: how much may be spent in a calendar period, and what happens then.
create table budgets (
  id uuid constraint budgets_pkey primary key,
  org_id uuid not null constraint budgets_org_id_fkey references orgs (id) on delete cascade,
  name text not null,
  scope_kind text not null
    constraint budgets_scope_kind_check check (scope_kind in ('org', 'team', 'app', 'key')),
  scope_id uuid not null,
  model_id uuid constraint budgets_model_id_fkey references models (id),
  tag_name text,
  tag_value text,
  -- At most a billion dollars, so that sums of many fit.
  amount_nanos bigint not null constraint budgets_amount_nanos_check
    check (amount_nanos between 0 and 1000000000000000000),
  time_window text not null constraint budgets_time_window_check
    check (time_window in ('day', 'week', 'month', 'quarter', 'year')),
  zone text not null,
  thresholds smallint[] not null,
  action text not null constraint budgets_action_check
    check (action in ('alert', 'throttle', 'downgrade', 'deny')),
  throttle_percent smallint
    constraint budgets_throttle_percent_check check (throttle_percent between 1 and 99),
  downgrade_model_id uuid constraint budgets_downgrade_model_id_fkey references models (id),
  -- What the period that the budget was made in had cost before gateways knew of it: calls that
  -- were decided under an older configuration than `made_version`, or this very one.
  before_nanos bigint not null constraint budgets_before_nanos_check check (before_nanos >= 0),
  made_version bigint not null,
  -- The version whose thresholds were looked at last; another one: look again.
  checked_version bigint,
  created_at timestamptz not null,
  version bigint not null default 1,
  constraint budgets_org_id_id_key unique (org_id, id),
  constraint budgets_org_id_name_key unique (org_id, name),
  constraint budgets_tag_check check ((tag_name is null) = (tag_value is null)),
  constraint budgets_throttle_check check ((action = 'throttle') = (throttle_percent is not null)),
  constraint budgets_downgrade_check check ((action = 'downgrade') = (downgrade_model_id is not null))
);
create index budgets_org_id_created_at_idx on budgets (org_id, created_at desc, id desc);
create index budgets_unchecked_idx on budgets (org_id) where checked_version is distinct from version;

-- More money for a while. What is over stays, for the record.
create table budget_raises (
  id uuid constraint budget_raises_pkey primary key,
  org_id uuid not null,
  budget_id uuid not null,
  add_nanos bigint not null constraint budget_raises_add_nanos_check
    check (add_nanos between 1 and 1000000000000000000),
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  reason text not null,
  created_by_name text not null,
  created_at timestamptz not null,
  constraint budget_raises_ends_at_check check (ends_at >= starts_at),
  constraint budget_raises_budget_fkey foreign key (org_id, budget_id)
    references budgets (org_id, id) on delete cascade
);
create index budget_raises_budget_id_ends_at_idx on budget_raises (budget_id, ends_at);

-- One row a threshold a period: whoever inserts it queues what people are told, in the same
-- transaction.
create table budget_alerts (
  id uuid not null constraint budget_alerts_id_key unique,
  org_id uuid not null,
  budget_id uuid not null,
  period_from timestamptz not null,
  percent smallint not null,
  at timestamptz not null,
  spent_nanos bigint not null,
  limit_nanos bigint not null,
  -- When mails and messages were queued.
  told_at timestamptz,
  constraint budget_alerts_pkey primary key (budget_id, period_from, percent),
  constraint budget_alerts_budget_fkey foreign key (org_id, budget_id)
    references budgets (org_id, id) on delete cascade
);

create index budget_alerts_budget_id_at_idx on budget_alerts (budget_id, at desc, id desc);

select raise_tenant_wall('budgets');
select raise_tenant_wall('budget_raises');
select raise_tenant_wall('budget_alerts');

revoke all on budgets, budget_raises, budget_alerts from public;
grant select, insert, update, delete on budgets to app_tenant;
grant select, update on budgets to app_system;
grant select, insert on budget_raises to app_tenant;
grant update (ends_at) on budget_raises to app_tenant;
grant select on budget_raises to app_system;
grant select on budget_alerts to app_tenant;
grant select, insert, update on budget_alerts to app_system;
-- A budget notes which configuration it was not part of.
grant select on config_versions to app_tenant;
