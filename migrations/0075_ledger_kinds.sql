-- The ledger holds more than calls: credits and their expiry, corrections, adjustments, minimums, and
-- calls whose outcome nobody knows. A correction names what it corrects; who wrote it and why stay.
alter table ledger_accounts drop constraint ledger_accounts_kind_check;
alter table ledger_accounts add constraint ledger_accounts_kind_check check (kind in (
  'receivable', 'revenue', 'wallet', 'cash', 'promotion', 'breakage', 'adjustment', 'writeoff'));

alter table ledger_transactions drop constraint ledger_transactions_kind_check;
alter table ledger_transactions add constraint ledger_transactions_kind_check check (kind in (
  'usage', 'top_up', 'grant', 'expiry', 'correction', 'adjustment', 'minimum', 'unknown'));

alter table ledger_transactions
  alter column request_id drop not null,
  alter column price_id drop not null,
  alter column plan_id drop not null,
  add column corrects uuid
    constraint ledger_transactions_corrects_fkey references ledger_transactions (id),
  add column reason text,
  -- Who wrote it by hand; null for the platform's own doing.
  add column actor_id uuid,
  add column actor_name text,
  -- What bills a call names the call, its price and its plan; a correction names what it corrects.
  add constraint ledger_transactions_call_check check (
    (kind in ('usage', 'unknown')) = (request_id is not null)
    and (kind in ('usage', 'unknown')) = (price_id is not null)
    and (kind in ('usage', 'unknown', 'minimum')) = (plan_id is not null)),
  add constraint ledger_transactions_corrects_check check ((kind = 'correction') = (corrects is not null)),
  add constraint ledger_transactions_reason_check check (
    kind not in ('correction', 'adjustment') or length(reason) > 0);

-- A call is billed once by what it used, and at most once by what was reserved for it.
alter table ledger_transactions drop constraint ledger_transactions_request_id_key;
create unique index ledger_transactions_request_id_key on ledger_transactions (request_id)
  where kind = 'usage';
create unique index ledger_transactions_unknown_key on ledger_transactions (request_id)
  where kind = 'unknown';
create index ledger_transactions_corrects_idx on ledger_transactions (corrects) where corrects is not null;
