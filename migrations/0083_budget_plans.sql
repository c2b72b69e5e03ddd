-- A budget on all of an org's calls on one plan, and when thresholds were looked at.
alter table budgets drop constraint budgets_scope_kind_check;
alter table budgets add constraint budgets_scope_kind_check
  check (scope_kind in ('org', 'team', 'app', 'key', 'plan'));
alter table budgets add column checked_at timestamptz;
