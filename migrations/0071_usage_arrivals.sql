-- Events arrive by COPY, which row-level security refuses: so each worker's connection has a
-- temporary table of its own, and what lies there is inserted in one statement.
do $$ begin
  execute format('grant temporary on database %I to app_system', current_database());
end $$;

-- The call's id says its millisecond, and now the row holds just that: the same call has one key,
-- whatever instant a repetition carries.
update usage_events set at = date_trunc('milliseconds', at) where at <> date_trunc('milliseconds', at);

-- What only some calls have. Null is none, and costs nothing.
alter table usage_events
  add column tags jsonb,
  -- Attempts that failed, limits that were drawn on, and what was odd: read whole, with its call.
  add column details json;
