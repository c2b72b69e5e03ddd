-- Work to do later, taken with SKIP LOCKED. A worker that dies leaves a lease that runs out.
create table jobs (
  id uuid primary key,
  kind text not null,
  payload jsonb not null,
  run_at timestamptz not null,
  attempts integer not null default 0,
  leased_until timestamptz,
  last_error text,
  failed_at timestamptz,
  created_at timestamptz not null
);
create index jobs_run_at_idx on jobs (run_at) where failed_at is null;
grant insert on jobs to app_tenant, app_person, app_system;
grant select, update, delete on jobs to app_system;
