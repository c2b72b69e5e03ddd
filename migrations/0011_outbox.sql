-- What gateways must hear of, written in the transaction that changed it. The publisher turns a row
-- into a record of the snapshot and deletes it.
create table outbox (
  seq bigint generated always as identity primary key,
  -- A kind of the gateway's snapshot.
  kind text not null,
  -- The object's id in text form.
  object_id text not null,
  -- Assigned by the publisher, consecutive.
  version bigint,
  created_at timestamptz not null
);
grant insert on outbox to app_tenant, app_system;
grant select, update, delete on outbox to app_system;
