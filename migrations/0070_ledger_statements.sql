-- The ledger proves whole statements instead of each row, which is what lets it keep up with ingest.
-- A statement that adds entries adds to each transaction it touches at least two that sum to zero,
-- and one that adds transactions adds their entries too: so, statement by statement, every
-- transaction balances.
drop trigger ledger_transactions_balance on ledger_transactions;
drop trigger ledger_entries_balance on ledger_entries;
drop function ledger_check_balance();

-- Proven for the whole statement below, and kept by the refusal to delete.
alter table ledger_entries
  drop constraint ledger_entries_transaction_id_org_id_fkey,
  drop constraint ledger_entries_account_id_org_id_fkey;
alter table ledger_transactions
  drop constraint ledger_transactions_price_id_fkey,
  drop constraint ledger_transactions_plan_id_fkey,
  -- An entry's account has it, and a transaction's entries are of its org.
  drop constraint ledger_transactions_org_id_fkey,
  drop constraint ledger_transactions_id_org_id_key;

-- The settings keep Postgres from remembering a plan that reads a whole table, made while the table
-- was small: each row is looked up by its key.
create function ledger_prove_entries() returns trigger language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off as $$
declare
  bad record;
begin
  select transaction_id, count(*) as entries, sum(amount_nanos) as total into bad
    from fresh group by transaction_id having sum(amount_nanos) <> 0 or count(*) < 2 limit 1;
  if found then
    raise exception 'ledger transaction % has % entries that sum to %', bad.transaction_id, bad.entries, bad.total
      using errcode = 'check_violation', constraint = 'ledger_transactions_balance_check';
  end if;
  select transaction_id into bad from (select distinct transaction_id, org_id from fresh) f
    where not exists (select from public.ledger_transactions t where t.id = f.transaction_id and t.org_id = f.org_id)
    limit 1;
  if found then
    raise exception 'there is no ledger transaction % of this org', bad.transaction_id
      using errcode = 'foreign_key_violation', constraint = 'ledger_entries_transaction_id_org_id_fkey';
  end if;
  select account_id into bad from (select distinct account_id, org_id from fresh) f
    where not exists (select from public.ledger_accounts a where a.id = f.account_id and a.org_id = f.org_id)
    limit 1;
  if found then
    raise exception 'there is no ledger account % of this org', bad.account_id
      using errcode = 'foreign_key_violation', constraint = 'ledger_entries_account_id_org_id_fkey';
  end if;
  return null;
end
$$;
create trigger ledger_entries_prove after insert on ledger_entries
  referencing new table as fresh for each statement execute function ledger_prove_entries();

create function ledger_prove_transactions() returns trigger language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set jit = off as $$
declare
  bad record;
begin
  select id into bad from fresh t
    where not exists (select from public.ledger_entries e where e.transaction_id = t.id) limit 1;
  if found then
    raise exception 'ledger transaction % has 0 entries that sum to 0: write both in one statement', bad.id
      using errcode = 'check_violation', constraint = 'ledger_transactions_balance_check';
  end if;
  select price_id into bad from (select distinct price_id from fresh where price_id is not null) f
    where not exists (select from public.prices p where p.id = f.price_id) limit 1;
  if found then
    raise exception 'there is no price %', bad.price_id
      using errcode = 'foreign_key_violation', constraint = 'ledger_transactions_price_id_fkey';
  end if;
  select plan_id into bad from (select distinct plan_id from fresh where plan_id is not null) f
    where not exists (select from public.plans p where p.id = f.plan_id) limit 1;
  if found then
    raise exception 'there is no plan %', bad.plan_id
      using errcode = 'foreign_key_violation', constraint = 'ledger_transactions_plan_id_fkey';
  end if;
  return null;
end
$$;
create trigger ledger_transactions_prove after insert on ledger_transactions
  referencing new table as fresh for each statement execute function ledger_prove_transactions();

-- What a foreign key did before: nothing that the ledger names goes away.
create trigger ledger_accounts_append_only before update or delete or truncate
  on ledger_accounts for each statement execute function ledger_refuse_rewrite();

create function ledger_refuse_loss() returns trigger language plpgsql as $$
begin
  if tg_op = 'TRUNCATE' then
    raise exception 'the ledger may name rows of %', tg_table_name using errcode = 'foreign_key_violation';
  end if;
  if exists (select from public.ledger_transactions where old.id in (price_id, plan_id)) then
    raise exception 'the ledger names % of %', old.id, tg_table_name using errcode = 'foreign_key_violation';
  end if;
  return old;
end
$$;
create trigger prices_kept_for_ledger before delete on prices
  for each row execute function ledger_refuse_loss();
create trigger prices_kept_whole_for_ledger before truncate on prices
  for each statement execute function ledger_refuse_loss();
create trigger plans_kept_for_ledger before delete on plans
  for each row execute function ledger_refuse_loss();
create trigger plans_kept_whole_for_ledger before truncate on plans
  for each statement execute function ledger_refuse_loss();
