-- Answers to calls that mean the same: an event says so. By which model a plan compares calls is in its
-- `cache`; such a model is not retired by hand, so it is looked for by that.
alter table usage_events
  drop constraint usage_events_cached_check,
  add constraint usage_events_cached_check check (cached in ('exact', 'coalesced', 'semantic'));
create index plans_compare_by on plans ((cache #>> '{semantic,model_id}'))
  where cache #>> '{semantic,model_id}' is not null;
