-- Calls that gateways began and of whose end nobody has heard: seen by finance with what was reserved
-- for them, and billed by the policy of their plan when no settlement comes. A call's settlement, however
-- late, is the truth.
alter table plans add column unknown_policy text not null default 'forgive'
  constraint plans_unknown_policy_check check (unknown_policy in ('forgive', 'bill_reserved'));

create table usage_unknowns (
  request_id uuid constraint usage_unknowns_pkey primary key,
  at timestamptz not null,
  org_id uuid not null constraint usage_unknowns_org_id_fkey references orgs (id) on delete cascade,
  team_id uuid not null,
  app_id uuid not null,
  key_id uuid not null,
  subscription_id uuid not null,
  product_id uuid not null,
  plan_id uuid not null constraint usage_unknowns_plan_id_fkey references plans (id),
  model_id uuid not null,
  operation text not null,
  stream boolean not null,
  price_id uuid not null constraint usage_unknowns_price_id_fkey references prices (id),
  reserved_nanos bigint not null
    constraint usage_unknowns_reserved_nanos_check check (reserved_nanos between 0 and 1000000000000000000),
  gateway_id uuid not null,
  config_version bigint not null,
  tags jsonb not null,
  limits jsonb not null,
  -- open: its gateway may still tell. unknown: nobody will. The rest: how it ended.
  state text not null constraint usage_unknowns_state_check
    check (state in ('open', 'unknown', 'settled', 'billed', 'forgiven')),
  seen_at timestamptz not null,
  unknown_at timestamptz,
  resolved_at timestamptz,
  -- Why it ended so, and who said it.
  reason text,
  actor_name text,
  -- What billed it by its reservation.
  transaction_id uuid
    constraint usage_unknowns_transaction_id_fkey references ledger_transactions (id)
);
create index usage_unknowns_org_id_at_idx on usage_unknowns (org_id, at desc, request_id desc);
create index usage_unknowns_at_idx on usage_unknowns (at desc, request_id desc);
create index usage_unknowns_waiting_idx on usage_unknowns (state, seen_at)
  where state in ('open', 'unknown');
-- What still counts against the limits that its gateway drew on.
create index usage_unknowns_gateway_id_idx on usage_unknowns (gateway_id)
  where state in ('open', 'unknown', 'billed');

select raise_tenant_wall('usage_unknowns');

revoke all on usage_unknowns from public;
grant select on usage_unknowns to app_tenant;
grant select, insert, update on usage_unknowns to app_system;
