-- The credential of an app. Holds a keyed hash of the secret, never the secret.
create table api_keys (
  id uuid primary key,
  org_id uuid not null references orgs (id) on delete cascade,
  app_id uuid not null,
  name text not null,
  env text not null constraint api_keys_env_check check (env in ('live', 'test')),
  public_id text not null constraint api_keys_public_id_key unique,
  secret_hash bytea not null constraint api_keys_secret_hash_check check (length(secret_hash) = 32),
  last_four text not null,
  created_by uuid references people (id) on delete set null,
  -- As it was then: a key outlives its maker's membership.
  created_by_name text not null,
  created_at timestamptz not null,
  expires_at timestamptz,
  revoked_at timestamptz,
  last_used_at timestamptz,
  version bigint not null default 1,
  constraint api_keys_org_id_id_key unique (org_id, id),
  constraint api_keys_app_fkey foreign key (org_id, app_id) references apps (org_id, id)
);
create index api_keys_org_id_created_at_idx on api_keys (org_id, created_at desc, id desc);
create index api_keys_app_id_idx on api_keys (app_id);
select raise_tenant_wall('api_keys');
grant select, insert on api_keys to app_tenant;
grant update (revoked_at, version) on api_keys to app_tenant;
grant select on api_keys to app_system;
grant update (last_used_at) on api_keys to app_system;
