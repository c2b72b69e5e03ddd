-- Limits on more than calls, tokens and money; on one model or one tag inside a scope; over sliding
-- windows and local calendars; and what each admits while it cannot be counted.
alter table limits drop constraint limits_metric_check;
alter table limits add constraint limits_metric_check check (metric in
  ('requests', 'tokens', 'input_tokens', 'output_tokens', 'concurrency', 'compute_ms', 'rows', 'money'));
alter table limits drop constraint limits_time_window_check;
alter table limits add constraint limits_time_window_check check (time_window in
  ('second', 'minute', 'hour', 'day', 'week', 'month', 'quarter', 'year', 'lifetime'));
alter table limits
  add column model_id uuid constraint limits_model_id_fkey references models (id),
  add column tag_name text,
  add column tag_value text,
  add column sliding boolean not null default false,
  add column time_zone text not null default 'UTC',
  -- Hundredths of the limit that all gateways together admit per window without Redis.
  add column without_redis_percent smallint not null default 0
    constraint limits_without_redis_percent_check check (without_redis_percent between 0 and 100),
  add constraint limits_tag_check check ((tag_name is null) = (tag_value is null)),
  add constraint limits_sliding_check
    check (not sliding or time_window in ('second', 'minute', 'hour', 'day', 'week')),
  add constraint limits_concurrency_check
    check (metric <> 'concurrency' or (time_window = 'lifetime' and not sliding)),
  add constraint limits_money_check check (metric <> 'money' or without_redis_percent = 0);
alter table limits drop constraint limits_scope_metric_time_window_key;
alter table limits add constraint limits_reach_key unique nulls not distinct
  (org_id, scope_kind, scope_id, model_id, tag_name, tag_value, metric, time_window, sliding);
update limits set without_redis_percent = 10
  where metric <> 'money' and time_window in ('second', 'minute', 'hour');

alter table plan_limits drop constraint plan_limits_metric_check;
alter table plan_limits add constraint plan_limits_metric_check check (metric in
  ('requests', 'tokens', 'input_tokens', 'output_tokens', 'concurrency', 'compute_ms', 'rows', 'money'));
alter table plan_limits drop constraint plan_limits_time_window_check;
alter table plan_limits add constraint plan_limits_time_window_check check (time_window in
  ('second', 'minute', 'hour', 'day', 'week', 'month', 'quarter', 'year', 'lifetime'));
alter table plan_limits
  add column model_id uuid constraint plan_limits_model_id_fkey references models (id),
  add column sliding boolean not null default false,
  add column time_zone text not null default 'UTC',
  add column without_redis_percent smallint not null default 0
    constraint plan_limits_without_redis_percent_check check (without_redis_percent between 0 and 100),
  add constraint plan_limits_sliding_check
    check (not sliding or time_window in ('second', 'minute', 'hour', 'day', 'week')),
  add constraint plan_limits_concurrency_check
    check (metric <> 'concurrency' or (time_window = 'lifetime' and not sliding)),
  add constraint plan_limits_money_check check (metric <> 'money' or without_redis_percent = 0);
alter table plan_limits drop constraint plan_limits_plan_id_metric_time_window_key;
alter table plan_limits add constraint plan_limits_reach_key unique nulls not distinct
  (plan_id, model_id, metric, time_window, sliding);
update plan_limits set without_redis_percent = 10
  where metric <> 'money' and time_window in ('second', 'minute', 'hour');
