-- Whoever signs in. Not a tenant's: one person may belong to several orgs.
create table people (
  id uuid primary key,
  -- Normalised: trimmed and lower case.
  email text not null constraint people_email_key unique,
  name text not null,
  -- PHC string of argon2id.
  password_hash text not null,
  is_operator boolean not null default false,
  disabled_at timestamptz,
  created_at timestamptz not null,
  version bigint not null default 1
);
alter table people enable row level security;
alter table people force row level security;
create policy system on people to app_system using (true) with check (true);
create policy self on people to app_person
  using (id::text = current_setting('app.person_id'));
grant select, insert, update on people to app_system;
grant select (id, email, name, is_operator, disabled_at, created_at, version) on people to app_person;
