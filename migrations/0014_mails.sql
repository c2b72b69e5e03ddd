-- Mail to send, queued in the transaction that causes it.
create table mails (
  id uuid primary key,
  to_email text not null,
  subject text not null,
  body text not null,
  created_at timestamptz not null,
  sent_at timestamptz
);
create index mails_created_at_idx on mails (created_at);
grant insert on mails to app_tenant, app_person, app_system;
grant select, update, delete on mails to app_system;
