-- Signed-in browsers. The table holds a hash of the cookie, so a copy of it signs nobody in.
create table sessions (
  token_hash bytea primary key,
  -- Null until somebody signs in.
  person_id uuid references people (id) on delete cascade,
  data jsonb not null,
  created_at timestamptz not null,
  expires_at timestamptz not null
);
create index sessions_person_id_idx on sessions (person_id);
create index sessions_expires_at_idx on sessions (expires_at);
alter table sessions enable row level security;
alter table sessions force row level security;
create policy system on sessions to app_system using (true) with check (true);
-- Whoever holds the cookie may use its session; a person may see and end all of theirs.
create policy bearer on sessions to app_person
  using (encode(token_hash, 'hex') = current_setting('app.session'))
  with check (encode(token_hash, 'hex') = current_setting('app.session'));
create policy self on sessions for select to app_person
  using (person_id::text = current_setting('app.person_id'));
create policy self_end on sessions for delete to app_person
  using (person_id::text = current_setting('app.person_id'));
grant select, insert, update, delete on sessions to app_person;
grant select, delete on sessions to app_system;
