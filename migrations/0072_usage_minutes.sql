-- Sums by the minute come before those by the hour, so that an event costs the reading of its
-- minute again and not of its hour. Made by the day and dropped after a few: hours and days stay.
create table usage_minutes (
  org_id uuid not null,
  minute timestamptz not null,
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
  cache_write_1h_tokens bigint,
  image_output_tokens bigint,
  images bigint,
  characters bigint,
  audio_ms bigint,
  searches bigint,
  rows bigint,
  compute_ms bigint,
  constraint usage_minutes_pkey
    primary key (org_id, minute, app_id, key_id, model_id, product_id, plan_id, team_id)
) partition by range (minute);
select raise_tenant_wall('usage_minutes');

create function usage_minutes_name(instant timestamptz) returns text language sql immutable
as $$ select 'usage_minutes_' || to_char(instant at time zone 'UTC', 'YYYY_MM_DD') $$;

-- Makes the partition of the day that holds `instant`; false where it is there already. Whoever
-- makes one fills it from the day's events: until then it would say that there were none.
create function usage_minutes_ensure(instant timestamptz) returns boolean
language plpgsql security definer set search_path = pg_catalog, public as $$
declare
  first timestamptz := date_trunc('day', instant, 'UTC');
  part text := public.usage_minutes_name(instant);
begin
  if to_regclass('public.' || part) is not null then
    return false;
  end if;
  execute format('create table public.%I partition of public.usage_minutes for values from (%L) to (%L)
    with (fillfactor = 70)', part, first, first + interval '24 hours');
  perform public.raise_tenant_wall(format('public.%I', part)::regclass);
  execute format('revoke all on public.%I from public, app_tenant, app_person', part);
  return true;
end
$$;

-- Drops the days before `instant`'s. How many.
create function usage_minutes_drop(instant timestamptz) returns integer
language plpgsql security definer set search_path = pg_catalog, public as $$
declare
  part text;
  dropped integer := 0;
begin
  for part in select relname from pg_inherits join pg_class on pg_class.oid = inhrelid
    where inhparent = 'public.usage_minutes'::regclass and relname < public.usage_minutes_name(instant)
  loop
    execute format('drop table public.%I', part);
    dropped := dropped + 1;
  end loop;
  return dropped;
end
$$;

-- Minutes whose sums no longer equal their events. Append-only, so that ingest never waits.
create table usage_stale_minutes (
  id bigint generated always as identity constraint usage_stale_minutes_pkey primary key,
  org_id uuid not null,
  minute timestamptz not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
select raise_tenant_wall('usage_stale_minutes');
insert into usage_stale_minutes (org_id, minute) select distinct org_id, hour from usage_stale_hours;
drop table usage_stale_hours;

-- The newest sums are written again and again: room beside each row keeps that off the index.
alter table usage_hours set (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
alter table usage_days set (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);

revoke all on usage_minutes, usage_stale_minutes from public;
revoke all on function usage_minutes_ensure(timestamptz), usage_minutes_drop(timestamptz) from public;
grant select on usage_minutes to app_tenant;
grant select, insert, update on usage_minutes to app_system;
grant update on usage_hours, usage_days to app_system;
grant select, insert, delete on usage_stale_minutes to app_system;
grant execute on function usage_minutes_ensure(timestamptz), usage_minutes_drop(timestamptz) to app_system;
