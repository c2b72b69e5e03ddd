-- Links that set a new password, each good once.
create table password_resets (
  token_hash bytea primary key,
  person_id uuid not null references people (id) on delete cascade,
  created_at timestamptz not null,
  expires_at timestamptz not null
);
grant select, insert, delete on password_resets to app_system;
