-- People asked into an org. The link's token is kept as a hash.
create table invitations (
  id uuid primary key,
  org_id uuid not null references orgs (id) on delete cascade,
  email text not null,
  role text not null constraint invitations_role_check
    check (role in ('owner', 'admin', 'developer', 'finance', 'auditor')),
  token_hash bytea not null constraint invitations_token_hash_key unique,
  invited_by_name text not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  constraint invitations_org_id_email_key unique (org_id, email)
);
select raise_tenant_wall('invitations');
grant select, insert, delete on invitations to app_tenant, app_system;
