-- Sign-ups whose address is not proven yet. Several may wait for one address: the link that is
-- opened decides which password counts, so nobody can prepare an account for somebody else.
create table sign_ups (
  token_hash bytea primary key,
  email text not null,
  name text not null,
  org_name text not null,
  password_hash text not null,
  created_at timestamptz not null,
  expires_at timestamptz not null
);
create index sign_ups_email_idx on sign_ups (email);
grant select, insert, update, delete on sign_ups to app_system;
