-- Sums of a day's hours (UTC), for reports over months: a tenth or less of the rows. Recomputed whole from
-- usage_hours whenever one of its hours is.
create table usage_days (
  org_id uuid not null,
  day timestamptz not null,
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
  constraint usage_days_pkey
    primary key (org_id, day, app_id, key_id, model_id, product_id, plan_id, team_id)
);

insert into usage_days
select org_id, date_trunc('day', hour at time zone 'UTC') at time zone 'UTC', team_id, app_id, key_id,
  product_id, plan_id, model_id, sum(requests), sum(errors), sum(input_tokens),
  sum(cached_input_tokens), sum(cache_write_tokens), sum(audio_input_tokens),
  sum(image_input_tokens), sum(output_tokens), sum(reasoning_tokens), sum(audio_output_tokens),
  sum(cost_nanos), max(newest_at)
from usage_hours group by 1, 2, 3, 4, 5, 6, 7, 8;

select raise_tenant_wall('usage_days');
revoke all on usage_days from public;
grant select on usage_days to app_tenant;
grant select, insert, delete on usage_days to app_system;
