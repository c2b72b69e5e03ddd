-- Who was told what of a model that goes away: once for each app, step and instant that the step is about.
create table model_notices (
  org_id uuid not null constraint model_notices_org_id_fkey references orgs (id) on delete cascade,
  app_id uuid not null constraint model_notices_app_id_fkey references apps (id) on delete cascade,
  model_id uuid not null constraint model_notices_model_id_fkey references models (id),
  step text not null constraint model_notices_step_check
    check (step in ('deprecated', 'brown_out', 'cut_over', 'sunset_soon', 'retired')),
  about timestamptz not null,
  told_at timestamptz not null,
  constraint model_notices_pkey primary key (model_id, app_id, step, about)
);
create index model_notices_app_id_idx on model_notices (app_id);
create index model_notices_org_id_idx on model_notices (org_id);
select raise_tenant_wall('model_notices');

-- Whose apps called a model lately.
create index usage_days_model_id_day_idx on usage_days (model_id, day);

revoke all on model_notices from public;
grant select, insert on model_notices to app_system;
