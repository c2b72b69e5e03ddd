-- Plans include quantities, have tiers and ask a minimum of a month. Calls are billed at their price as
-- they happen; what the tariff makes of a month is posted beside that, once the month is over.

-- Versions of a plan's tariff. None is edited; a change takes over from a month's beginning on. Of two that
-- begin together the later version of the plan wins.
create table plan_tariffs (
  plan_id uuid not null constraint plan_tariffs_plan_id_fkey references plans (id),
  plan_version bigint not null,
  effective_from timestamptz not null constraint plan_tariffs_effective_from_check check (
    date_trunc('month', effective_from at time zone 'UTC') = effective_from at time zone 'UTC'),
  -- Null: the plan has none from then on.
  tariff jsonb,
  created_at timestamptz not null,
  constraint plan_tariffs_pkey primary key (plan_id, plan_version)
);

-- The tariff of a plan in the month that begins at `month`; null where it has none.
create function plan_tariff_at(plan uuid, month timestamptz) returns jsonb language sql stable as $$
  select tariff from public.plan_tariffs where plan_id = plan and effective_from <= month
  order by effective_from desc, plan_version desc limit 1
$$;

-- From when on a subscription is over. What ended before has ended by now, and no plan had a tariff.
alter table subscriptions add column ended_at timestamptz;
update subscriptions set ended_at = coalesce(expires_at, created_at)
  where state in ('cancelled', 'expired', 'refused');
alter table subscriptions add constraint subscriptions_ended_at_check
  check ((ended_at is not null) = (state in ('cancelled', 'expired', 'refused')));
create index subscriptions_plan_id_idx on subscriptions (plan_id, org_id);

-- Sums of an hour's calls that are charged, by the version of the price that they were billed by: what a
-- tariff is rated from, and kept when the events are gone. Only of plans with a tariff. Replaced whole.
create table usage_priced_hours (
  org_id uuid not null,
  hour timestamptz not null,
  plan_id uuid not null,
  model_id uuid not null,
  price_id uuid not null,
  calls bigint not null,
  input_tokens bigint not null,
  cached_input_tokens bigint not null,
  cache_write_tokens bigint not null,
  cache_write_1h_tokens bigint not null,
  audio_input_tokens bigint not null,
  image_input_tokens bigint not null,
  output_tokens bigint not null,
  reasoning_tokens bigint not null,
  audio_output_tokens bigint not null,
  image_output_tokens bigint not null,
  images bigint not null,
  characters bigint not null,
  audio_ms bigint not null,
  searches bigint not null,
  rows bigint not null,
  compute_ms bigint not null,
  cost_nanos bigint not null,
  constraint usage_priced_hours_pkey primary key (org_id, hour, plan_id, model_id, price_id)
);

-- Hours whose sums above no longer equal their events. Append-only, so that summing up never waits.
create table usage_priced_stale (
  id bigint generated always as identity constraint usage_priced_stale_pkey primary key,
  org_id uuid not null,
  hour timestamptz not null
);
create index usage_priced_stale_org_id_idx on usage_priced_stale (org_id);

-- Months of an org on a plan that are over and rated. The days stay what they were then.
create table plan_months (
  org_id uuid not null constraint plan_months_org_id_fkey references orgs (id),
  plan_id uuid not null constraint plan_months_plan_id_fkey references plans (id),
  month timestamptz not null,
  -- Days of UTC on which an app of the org was subscribed.
  days smallint not null constraint plan_months_days_check check (days between 0 and 31),
  closed_at timestamptz not null,
  constraint plan_months_pkey primary key (org_id, plan_id, month)
);

alter table ledger_transactions drop constraint ledger_transactions_kind_check;
alter table ledger_transactions add constraint ledger_transactions_kind_check check (kind in (
  'usage', 'top_up', 'grant', 'expiry', 'correction', 'adjustment', 'tariff', 'minimum', 'unknown'));
alter table ledger_transactions drop constraint ledger_transactions_call_check;
alter table ledger_transactions
  -- The month that it rates, and how often that was done: each time posts what was still missing.
  add column month timestamptz,
  add column revision integer,
  add constraint ledger_transactions_call_check check (
    (kind in ('usage', 'unknown')) = (request_id is not null)
    and (kind in ('usage', 'unknown')) = (price_id is not null)
    and (kind in ('usage', 'unknown', 'tariff', 'minimum')) = (plan_id is not null)),
  add constraint ledger_transactions_month_check check (
    (kind in ('tariff', 'minimum')) = (month is not null)
    and (month is null) = (revision is null) and (revision is null or revision >= 1));
-- However often a month is rated and by however many: each difference is posted once.
create unique index ledger_transactions_month_key
  on ledger_transactions (org_id, plan_id, month, kind, revision) where month is not null;

select raise_tenant_wall('usage_priced_hours');
select raise_tenant_wall('usage_priced_stale');
select raise_tenant_wall('plan_months');

revoke all on plan_tariffs, usage_priced_hours, usage_priced_stale, plan_months from public;
grant select on plan_tariffs to app_tenant, app_person;
grant select, insert on plan_tariffs to app_system;
grant select on usage_priced_hours, plan_months to app_tenant;
grant select, insert, delete on usage_priced_hours, usage_priced_stale to app_system;
grant select, insert on plan_months to app_system;
