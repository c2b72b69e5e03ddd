-- Coarser sums, for reports over months: by the month with all keys, and by the hour and the day along one
-- thing at a time. All recomputed whole from usage_hours and usage_days, for days that are over; a day that
-- changed since is in usage_stale_days, and is read from the finer sums until then.
create table usage_months (like usage_days including all);
alter table usage_months rename column day to month;

-- One line a day for each thing of a kind that was used, whatever else its calls had in common.
create table usage_day_lines (
  org_id uuid not null,
  day timestamptz not null,
  kind text not null constraint usage_day_lines_kind_check
    check (kind in ('org', 'team', 'app', 'key', 'model', 'product')),
  id uuid not null,
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
  constraint usage_day_lines_pkey primary key (org_id, kind, day, id)
);
create table usage_hour_lines (like usage_day_lines including all);
alter table usage_hour_lines rename column day to hour;

-- Days whose months and lines are not recomputed yet, since when. Today is one wherever it was used.
create table usage_stale_days (
  org_id uuid not null,
  day timestamptz not null,
  since timestamptz not null,
  constraint usage_stale_days_pkey primary key (org_id, day)
);
insert into usage_stale_days (org_id, day, since) select distinct org_id, day, '-infinity'::timestamptz from usage_days;

select raise_tenant_wall('usage_months');
select raise_tenant_wall('usage_day_lines');
select raise_tenant_wall('usage_hour_lines');
select raise_tenant_wall('usage_stale_days');
revoke all on usage_months, usage_day_lines, usage_hour_lines, usage_stale_days from public;
grant select on usage_months, usage_day_lines, usage_hour_lines, usage_stale_days to app_tenant;
grant select, insert, update, delete on usage_months, usage_day_lines, usage_hour_lines to app_system;
grant select, insert, delete on usage_stale_days to app_system;
