-- Answers already given, so that a repeated request is done once. The answer is sealed under the
-- master key, because it may show a new key's secret.
create table idempotency_keys (
  person_id uuid not null references people (id) on delete cascade,
  org_id uuid references orgs (id) on delete cascade,
  key text not null,
  -- Hash of method, address and body.
  fingerprint bytea not null,
  answer json not null,
  created_at timestamptz not null,
  constraint idempotency_keys_key unique nulls not distinct (person_id, org_id, key)
);
create index idempotency_keys_created_at_idx on idempotency_keys (created_at);
select raise_tenant_wall('idempotency_keys');
create policy self on idempotency_keys to app_person
  using (org_id is null and person_id::text = current_setting('app.person_id'))
  with check (org_id is null and person_id::text = current_setting('app.person_id'));
grant select, insert on idempotency_keys to app_tenant, app_person;
grant select, insert, delete on idempotency_keys to app_system;
