-- Money: double entry, append-only, balanced by the database. A debit is positive, a credit
-- negative; each transaction's entries sum to zero. A correction is a new transaction.
create table ledger_accounts (
  id uuid constraint ledger_accounts_pkey primary key,
  org_id uuid not null constraint ledger_accounts_org_id_fkey references orgs (id),
  kind text not null constraint ledger_accounts_kind_check check (kind in ('receivable', 'revenue')),
  created_at timestamptz not null,
  constraint ledger_accounts_org_id_kind_key unique (org_id, kind),
  constraint ledger_accounts_id_org_id_key unique (id, org_id)
);

create table ledger_transactions (
  id uuid constraint ledger_transactions_pkey primary key,
  org_id uuid not null constraint ledger_transactions_org_id_fkey references orgs (id),
  kind text not null constraint ledger_transactions_kind_check check (kind in ('usage')),
  -- The call it bills. Unique for ever: a call is billed once.
  request_id uuid not null constraint ledger_transactions_request_id_key unique,
  price_id uuid not null constraint ledger_transactions_price_id_fkey references prices (id),
  plan_id uuid not null constraint ledger_transactions_plan_id_fkey references plans (id),
  -- When the call was made; what period it belongs to.
  at timestamptz not null,
  created_at timestamptz not null,
  constraint ledger_transactions_id_org_id_key unique (id, org_id)
);
create index ledger_transactions_org_id_at_idx on ledger_transactions (org_id, at desc, id desc);

create table ledger_entries (
  transaction_id uuid not null,
  position smallint not null,
  org_id uuid not null,
  account_id uuid not null,
  amount_nanos bigint not null constraint ledger_entries_amount_nanos_check check (amount_nanos <> 0),
  constraint ledger_entries_pkey primary key (transaction_id, position),
  constraint ledger_entries_transaction_id_org_id_fkey
    foreign key (transaction_id, org_id) references ledger_transactions (id, org_id),
  constraint ledger_entries_account_id_org_id_fkey
    foreign key (account_id, org_id) references ledger_accounts (id, org_id)
);
create index ledger_entries_account_id_idx on ledger_entries (account_id) include (amount_nanos);

-- Checked at commit, for each new transaction and each new entry: a transaction has at least two
-- entries and they sum to zero.
create function ledger_check_balance() returns trigger language plpgsql as $$
declare
  tx uuid;
  total numeric;
  entries bigint;
begin
  if tg_table_name = 'ledger_entries' then
    tx := new.transaction_id;
  else
    tx := new.id;
  end if;
  select coalesce(sum(amount_nanos), 0), count(*) into total, entries
    from public.ledger_entries where transaction_id = tx;
  if total <> 0 or entries < 2 then
    raise exception 'ledger transaction % has % entries that sum to %', tx, entries, total
      using errcode = 'check_violation', constraint = 'ledger_transactions_balance_check';
  end if;
  return null;
end
$$;
create constraint trigger ledger_transactions_balance after insert on ledger_transactions
  deferrable initially deferred for each row execute function ledger_check_balance();
create constraint trigger ledger_entries_balance after insert on ledger_entries
  deferrable initially deferred for each row execute function ledger_check_balance();

-- Not even the owner of the tables rewrites money.
create function ledger_refuse_rewrite() returns trigger language plpgsql as $$
begin
  raise exception 'the ledger is append-only: write a correcting transaction instead';
end
$$;
create trigger ledger_transactions_append_only before update or delete or truncate
  on ledger_transactions for each statement execute function ledger_refuse_rewrite();
create trigger ledger_entries_append_only before update or delete or truncate
  on ledger_entries for each statement execute function ledger_refuse_rewrite();

select raise_tenant_wall('ledger_accounts');
select raise_tenant_wall('ledger_transactions');
select raise_tenant_wall('ledger_entries');

revoke all on ledger_accounts, ledger_transactions, ledger_entries from public;
grant select on ledger_accounts, ledger_transactions, ledger_entries to app_tenant;
grant select, insert on ledger_accounts, ledger_transactions, ledger_entries to app_system;
