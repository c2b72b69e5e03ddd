-- What calls used: one row a request, in monthly partitions that are made ahead and dropped whole.
create table usage_events (
  request_id uuid not null,
  at timestamptz not null,
  org_id uuid not null,
  team_id uuid not null,
  app_id uuid not null,
  key_id uuid not null,
  subscription_id uuid not null,
  product_id uuid not null,
  plan_id uuid not null,
  model_id uuid not null,
  deployment_id uuid,
  provider_id uuid,
  operation text not null,
  stream boolean not null,
  outcome text not null,
  status integer not null,
  error_code text,
  input_tokens bigint not null,
  cached_input_tokens bigint not null,
  cache_write_tokens bigint not null,
  audio_input_tokens bigint not null,
  image_input_tokens bigint not null,
  output_tokens bigint not null,
  reasoning_tokens bigint not null,
  audio_output_tokens bigint not null,
  estimated boolean not null,
  price_id uuid not null,
  cost_nanos bigint not null,
  reserved_nanos bigint not null,
  attempts integer not null,
  duration_ms bigint not null,
  first_token_ms bigint,
  gateway_id uuid not null,
  config_version bigint not null,
  ingested_at timestamptz not null,
  constraint usage_events_pkey primary key (request_id, at)
) partition by range (at);
create index usage_events_org_id_at_idx on usage_events (org_id, at desc, request_id desc);
create index usage_events_org_id_app_id_at_idx on usage_events (org_id, app_id, at desc, request_id desc);
create index usage_events_org_id_key_id_at_idx on usage_events (org_id, key_id, at desc, request_id desc);
create index usage_events_org_id_model_id_at_idx on usage_events (org_id, model_id, at desc, request_id desc);
create index usage_events_org_id_failed_at_idx on usage_events (org_id, outcome, at desc, request_id desc)
  where outcome <> 'ok';

select raise_tenant_wall('usage_events');

-- Makes the partition that holds `instant`, with the walls of its parent for whoever names the
-- partition itself. The only way a partition is made; the callers need no right to create tables.
create function usage_partition_ensure(instant timestamptz) returns void
language plpgsql security definer set search_path = pg_catalog, public as $$
declare
  first timestamptz := date_trunc('month', instant at time zone 'UTC') at time zone 'UTC';
  next timestamptz := (date_trunc('month', instant at time zone 'UTC') + interval '1 month') at time zone 'UTC';
  part text := 'usage_events_' || to_char(instant at time zone 'UTC', 'YYYY_MM');
begin
  if to_regclass('public.' || part) is not null then
    return;
  end if;
  -- Two workers may want the same month at once.
  perform pg_advisory_xact_lock(hashtextextended('usage_partition_ensure', 0));
  if to_regclass('public.' || part) is not null then
    return;
  end if;
  execute format('create table public.%I partition of public.usage_events for values from (%L) to (%L)', part, first, next);
  perform public.raise_tenant_wall(format('public.%I', part)::regclass);
  execute format('revoke all on public.%I from public, app_tenant, app_person', part);
end
$$;

-- Hours whose rollup no longer equals their events. Append-only, so that ingest never waits.
create table usage_stale_hours (
  id bigint generated always as identity constraint usage_stale_hours_pkey primary key,
  org_id uuid not null,
  hour timestamptz not null
);

-- Sums of an hour's events. Recomputed whole from usage_events, never added to.
create table usage_hours (
  org_id uuid not null,
  hour timestamptz not null,
  team_id uuid not null,
  app_id uuid not null,
  key_id uuid not null,
  product_id uuid not null,
  plan_id uuid not null,
  model_id uuid not null,
  requests bigint not null,
  errors bigint not null,
  input_tokens bigint not null,
  cached_input_tokens bigint not null,
  cache_write_tokens bigint not null,
  audio_input_tokens bigint not null,
  image_input_tokens bigint not null,
  output_tokens bigint not null,
  reasoning_tokens bigint not null,
  audio_output_tokens bigint not null,
  cost_nanos bigint not null,
  newest_at timestamptz not null,
  constraint usage_hours_pkey
    primary key (org_id, hour, app_id, key_id, model_id, product_id, plan_id, team_id)
);

-- Events that cannot be booked, kept whole with the reason, for a person to look at.
create table usage_dead_letters (
  id uuid constraint usage_dead_letters_pkey primary key,
  at timestamptz not null,
  stream_id text not null constraint usage_dead_letters_stream_id_key unique,
  reason text not null,
  body text not null
);

select raise_tenant_wall('usage_hours');
select raise_tenant_wall('usage_stale_hours');

revoke all on usage_events, usage_hours, usage_stale_hours, usage_dead_letters from public;
revoke all on function usage_partition_ensure(timestamptz) from public;
grant select on usage_events, usage_hours to app_tenant;
grant select, insert on usage_events to app_system;
grant select, insert, delete on usage_hours, usage_stale_hours to app_system;
grant select, insert on usage_dead_letters to app_system;
grant execute on function usage_partition_ensure(timestamptz) to app_system;
