-- Where an org's own programs hear of what happens, and each message on its way there.
create table webhooks (
  id uuid constraint webhooks_pkey primary key,
  org_id uuid not null constraint webhooks_org_id_fkey references orgs (id) on delete cascade,
  url text not null constraint webhooks_url_check check (length(url) <= 2000),
  -- What messages are signed with.
  secret jsonb not null,
  disabled_at timestamptz,
  created_at timestamptz not null,
  version bigint not null default 1,
  constraint webhooks_org_id_id_key unique (org_id, id),
  constraint webhooks_org_id_url_key unique (org_id, url)
);
create index webhooks_org_id_created_at_idx on webhooks (org_id, created_at desc, id desc);

create table webhook_deliveries (
  id uuid constraint webhook_deliveries_pkey primary key,
  org_id uuid not null,
  webhook_id uuid not null,
  event_id uuid not null,
  kind text not null,
  body text not null,
  created_at timestamptz not null,
  attempts integer not null default 0,
  last_status integer,
  last_error text,
  delivered_at timestamptz,
  failed_at timestamptz,
  constraint webhook_deliveries_webhook_id_event_id_key unique (webhook_id, event_id),
  constraint webhook_deliveries_webhook_fkey foreign key (org_id, webhook_id)
    references webhooks (org_id, id) on delete cascade
);
create index webhook_deliveries_webhook_id_created_at_idx
  on webhook_deliveries (webhook_id, created_at desc, id desc);
create index webhook_deliveries_created_at_idx on webhook_deliveries (created_at);

select raise_tenant_wall('webhooks');
select raise_tenant_wall('webhook_deliveries');

revoke all on webhooks, webhook_deliveries from public;
grant select, insert, delete on webhooks to app_tenant;
grant select on webhooks to app_system;
grant update (disabled_at, version) on webhooks to app_system;
grant select, insert on webhook_deliveries to app_tenant, app_system;
grant update (attempts, last_status, last_error, delivered_at, failed_at) on webhook_deliveries to app_system;
grant delete on webhook_deliveries to app_system;
