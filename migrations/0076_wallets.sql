-- What an org has paid ahead, and whether it pays ahead at all. Every org has a wallet from its first
-- moment on. Amounts are nano-dollars; no wallet ever holds more than 10^18 of them, a billion dollars.
create table wallets (
  org_id uuid constraint wallets_pkey primary key
    constraint wallets_org_id_fkey references orgs (id) on delete cascade,
  billing text not null constraint wallets_billing_check check (billing in ('prepaid', 'postpaid')),
  -- The limit that gateways count against it: a new one each time the org becomes prepaid.
  limit_id uuid not null constraint wallets_limit_id_key unique,
  -- The balance never goes below it.
  floor_nanos bigint not null default 0
    constraint wallets_floor_nanos_check check (floor_nanos between 0 and 1000000000000000000),
  -- A higher floor that gateways keep already, until what they hold fits above it.
  floor_next_nanos bigint
    constraint wallets_floor_next_nanos_check check (floor_next_nanos between 0 and 1000000000000000000),
  floor_next_at timestamptz
    constraint wallets_floor_next_at_check check ((floor_next_at is null) = (floor_next_nanos is null)),
  credited_nanos bigint not null default 0
    constraint wallets_credited_nanos_check check (credited_nanos between 0 and 1000000000000000000),
  drawn_nanos bigint not null default 0 constraint wallets_drawn_nanos_check check (drawn_nanos >= 0),
  expired_nanos bigint not null default 0 constraint wallets_expired_nanos_check check (expired_nanos >= 0),
  -- Of what was drawn: what the limit does not count.
  uncounted_nanos bigint not null default 0 constraint wallets_uncounted_nanos_check check (uncounted_nanos >= 0),
  -- What calls of a prepaid org cost beyond what the wallet could give; owed instead.
  overrun_nanos bigint not null default 0 constraint wallets_overrun_nanos_check check (overrun_nanos >= 0),
  balance_nanos bigint not null generated always as (credited_nanos - drawn_nanos - expired_nanos) stored,
  version bigint not null default 1,
  constraint wallets_floor_check check (credited_nanos - drawn_nanos - expired_nanos >= floor_nanos)
);

create table credits (
  id uuid constraint credits_pkey primary key,
  org_id uuid not null constraint credits_org_id_fkey references wallets (org_id) on delete cascade,
  kind text not null constraint credits_kind_check check (kind in ('purchase', 'grant', 'refund')),
  amount_nanos bigint not null
    constraint credits_amount_nanos_check check (amount_nanos between 1 and 1000000000000000000),
  remaining_nanos bigint not null,
  -- Lower ones are drawn first; then what expires first; then the oldest.
  priority smallint not null constraint credits_priority_check check (priority between 1 and 100),
  expires_at timestamptz,
  -- When gateways were told that it is over; what is left is booked as expired once they have let go.
  ended_at timestamptz,
  note text not null,
  transaction_id uuid not null constraint credits_transaction_id_key unique
    constraint credits_transaction_id_fkey references ledger_transactions (id),
  created_at timestamptz not null,
  constraint credits_remaining_nanos_check check (remaining_nanos between 0 and amount_nanos),
  constraint credits_id_org_id_key unique (id, org_id)
);
create index credits_org_id_open_idx on credits (org_id, priority, expires_at, created_at, id)
  where remaining_nanos > 0;
create index credits_expires_at_idx on credits (expires_at)
  where expires_at is not null and remaining_nanos > 0;

-- What each transaction took of which credit. Append-only.
create table credit_draws (
  transaction_id uuid not null
    constraint credit_draws_transaction_id_fkey references ledger_transactions (id),
  credit_id uuid not null,
  org_id uuid not null,
  amount_nanos bigint not null constraint credit_draws_amount_nanos_check check (amount_nanos > 0),
  constraint credit_draws_pkey primary key (transaction_id, credit_id),
  constraint credit_draws_credit_id_org_id_fkey
    foreign key (credit_id, org_id) references credits (id, org_id)
);
create index credit_draws_credit_id_idx on credit_draws (credit_id) include (amount_nanos);

create function wallets_open() returns trigger language plpgsql as $$
begin
  insert into public.wallets (org_id, billing, limit_id) values (new.id, 'postpaid', gen_random_uuid());
  return null;
end
$$;
create trigger orgs_open_wallet after insert on orgs for each row execute function wallets_open();
insert into wallets (org_id, billing, limit_id) select id, 'postpaid', gen_random_uuid() from orgs;

select raise_tenant_wall('wallets');
select raise_tenant_wall('credits');
select raise_tenant_wall('credit_draws');

revoke all on wallets, credits, credit_draws from public;
grant select on wallets, credits, credit_draws to app_tenant;
grant select, insert, update on wallets, credits to app_system;
grant select, insert on credit_draws to app_system;
