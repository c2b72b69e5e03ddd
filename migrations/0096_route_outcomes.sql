-- What became of calls by the way that they were planned, and the copies that routes make of calls.
alter table usage_events
  -- Null: no route decided.
  add column route_id uuid,
  add column route_number integer,
  add column route_rule text,
  -- The part of the rule's split. Null: none of them.
  add column route_part text,
  -- The call that it is a copy of, which the org pays for.
  add column copy_of uuid;

-- Copies of calls that the platform pays for: no tenant's, and in no tenant's reports.
create table shadow_calls (
  request_id uuid constraint shadow_calls_pkey primary key,
  copy_of uuid not null,
  at timestamptz not null,
  route_id uuid,
  route_number integer,
  route_rule text,
  model_id uuid not null,
  deployment_id uuid,
  provider_id uuid,
  price_id uuid not null,
  gateway_id uuid not null,
  operation text not null,
  stream boolean not null,
  -- unknown: its gateway died before it ended.
  outcome text not null,
  status integer not null,
  input_tokens bigint not null,
  output_tokens bigint not null,
  -- By the price in force; the platform's to bear.
  cost_nanos bigint not null constraint shadow_calls_cost_nanos_check check (cost_nanos >= 0),
  duration_ms bigint not null,
  first_token_ms bigint,
  ingested_at timestamptz not null
);
create index shadow_calls_at_idx on shadow_calls (at);

-- What calls of an hour came to, by the way they were planned. Lines are appended in the transaction that
-- books the calls, and lines of the same cell are put together later: readers sum them.
create table route_outcomes (
  id bigint generated always as identity constraint route_outcomes_pkey primary key,
  org_id uuid not null constraint route_outcomes_org_id_fkey references orgs (id) on delete cascade,
  route_id uuid not null,
  route_number integer not null,
  rule text not null,
  part text,
  -- The copies of the rule's calls.
  shadow boolean not null,
  deployment_id uuid,
  stream boolean not null,
  hour timestamptz not null,
  calls bigint not null,
  errors bigint not null,
  -- Calls that needed more than one attempt.
  retried bigint not null,
  input_tokens bigint not null,
  output_tokens bigint not null,
  cost_nanos bigint not null,
  -- The sum of the squares of what each cost.
  cost_squares numeric not null,
  -- Of calls that were answered whole, by how long they took: how many in each bucket.
  durations bigint[] not null,
  first_contents bigint[] not null,
  is_merged boolean not null default false
);
create index route_outcomes_route_id_hour_idx on route_outcomes (route_id, hour);
create index route_outcomes_unmerged_idx on route_outcomes (hour) where not is_merged;

create function add_each(a bigint[], b bigint[]) returns bigint[] language sql immutable as $$
  select coalesce(array_agg(coalesce(x, 0) + coalesce(y, 0) order by n), '{}')
  from unnest(a, b) with ordinality as both_of (x, y, n)
$$;
create aggregate sum_each(bigint[]) (sfunc = add_each, stype = bigint[], initcond = '{}');

select raise_tenant_wall('route_outcomes');

revoke all on route_outcomes, shadow_calls from public;
grant select on route_outcomes to app_tenant;
grant select, insert, delete on route_outcomes to app_system;
grant select, insert, update, delete on shadow_calls to app_system;
