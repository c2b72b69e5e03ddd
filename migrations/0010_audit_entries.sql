-- Who did what, appended and never changed: no role may update or delete. Each entry's hash covers
-- the one before it in the same org, so that a removed or edited entry shows. Entries of the
-- platform itself have no org.
create table audit_entries (
  id uuid primary key,
  org_id uuid,
  -- 1, 2, 3 … in each org, without gaps.
  seq bigint not null,
  at timestamptz not null,
  action text not null,
  actor_id uuid,
  actor_name text not null,
  actor_email text,
  actor_role text,
  ip text,
  object_kind text not null,
  object_id text not null,
  -- json, not jsonb: the hash covers the very text.
  before json,
  after json,
  request_id text,
  hash bytea not null,
  constraint audit_entries_org_id_seq_key unique nulls not distinct (org_id, seq)
);
select raise_tenant_wall('audit_entries');
grant select, insert on audit_entries to app_tenant, app_system;
