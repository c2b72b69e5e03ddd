-- A webhook's secret is exchanged while messages go on: the old one signs too for a while.
alter table webhooks add column old_secret jsonb;
alter table webhooks add column old_secret_until timestamptz;
alter table webhooks add constraint webhooks_old_secret_check
  check ((old_secret is null) = (old_secret_until is null));

grant update (secret, old_secret, old_secret_until, version) on webhooks to app_tenant;
