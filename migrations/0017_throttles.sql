-- Failed attempts by account and by address, so that guessing slows down.
create table throttles (
  -- `account:<hash>` or `address:<ip>`.
  subject text primary key,
  failures integer not null,
  -- When the count starts anew.
  resets_at timestamptz not null,
  -- No attempt before this.
  blocked_until timestamptz
);
grant select, insert, update, delete on throttles to app_system;
