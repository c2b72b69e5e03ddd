-- Months of events that are no longer kept are dropped whole, after their sums were sealed: what an org
-- used stays comparable with its ledger for ever.
create table usage_seals (
  org_id uuid not null constraint usage_seals_org_id_fkey references orgs (id),
  month timestamptz not null,
  events bigint not null,
  -- Those that cost something: each has its ledger transaction.
  priced bigint not null,
  cost_nanos bigint not null,
  sealed_at timestamptz not null,
  constraint usage_seals_pkey primary key (org_id, month)
);
select raise_tenant_wall('usage_seals');

-- Seals and drops the oldest month that ended before `before`; answers which, or nothing when there is
-- none. The only way a month goes, and the only way a seal is made. A month whose events the sums by
-- day do not know exactly stays where it is.
create function usage_month_retire(before timestamptz, now timestamptz) returns timestamptz
language plpgsql security definer set search_path = pg_catalog, public set jit = off as $$
declare
  part text;
  first timestamptz;
  bad uuid;
begin
  perform pg_advisory_xact_lock(hashtextextended('usage_month_retire', 0));
  select c.relname into part from pg_inherits join pg_class c on c.oid = inhrelid
    where inhparent = 'public.usage_events'::regclass
      and c.relname < 'usage_events_' || to_char(before at time zone 'UTC', 'YYYY_MM')
    order by c.relname limit 1;
  if part is null then
    return null;
  end if;
  first := to_timestamp(right(part, 7) || '_01', 'YYYY_MM_DD')::timestamp at time zone 'UTC';
  -- Nothing is added from here on; who reads still may.
  execute format('lock table public.%I in share mode', part);
  if exists (select from public.usage_stale_minutes
      where minute >= first and minute < (first at time zone 'UTC' + interval '1 month') at time zone 'UTC') then
    raise exception 'events of % are not summed up yet', part;
  end if;
  execute format('insert into public.usage_seals (org_id, month, events, priced, cost_nanos, sealed_at)
    select org_id, $1, count(*), count(*) filter (where cost_nanos > 0), sum(cost_nanos), $2
    from public.%I group by org_id', part) using first, now;
  select coalesce(s.org_id, d.org_id) into bad
    from (select org_id, events, cost_nanos from public.usage_seals where month = first) s
    full join (select org_id, sum(requests) as events, sum(cost_nanos) as cost_nanos from public.usage_days
      where day >= first and day < (first at time zone 'UTC' + interval '1 month') at time zone 'UTC'
      group by org_id) d on d.org_id = s.org_id
    where (s.events, s.cost_nanos) is distinct from (d.events::bigint, d.cost_nanos::bigint) limit 1;
  if found then
    raise exception 'the sums by day of % are not those of its events, for org %', part, bad;
  end if;
  execute format('drop table public.%I', part);
  return first;
end
$$;

-- As before, and right when two workers want the first event of a month at once: who waits for the lock
-- may have looked for the partition before it was made, and remembers that it was not there.
create or replace function usage_partition_ensure(instant timestamptz) returns void
language plpgsql security definer set search_path = pg_catalog, public as $$
declare
  first timestamptz := date_trunc('month', instant at time zone 'UTC') at time zone 'UTC';
  next timestamptz := (date_trunc('month', instant at time zone 'UTC') + interval '1 month') at time zone 'UTC';
  part text := 'usage_events_' || to_char(instant at time zone 'UTC', 'YYYY_MM');
begin
  if to_regclass('public.' || part) is not null then
    return;
  end if;
  -- One at a time; and a lock on a table, unlike others, makes whoever waited look anew.
  lock table public.usage_events in access exclusive mode;
  if to_regclass('public.' || part) is not null then
    return;
  end if;
  execute format('create table public.%I partition of public.usage_events for values from (%L) to (%L)', part, first, next);
  perform public.raise_tenant_wall(format('public.%I', part)::regclass);
  execute format('revoke all on public.%I from public, app_tenant, app_person', part);
end
$$;

revoke all on usage_seals from public;
revoke all on function usage_month_retire(timestamptz, timestamptz) from public;
grant select on usage_seals to app_tenant, app_system;
grant execute on function usage_month_retire(timestamptz, timestamptz) to app_system;
