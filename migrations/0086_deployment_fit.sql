-- Deployments of one model differ: some have a smaller window, some lack tools or eyes. Calls that need
-- what one lacks go to another.
alter table deployments
  -- Zero: as the model.
  add column context_tokens_max integer not null default 0
    constraint deployments_context_tokens_max_check check (context_tokens_max >= 0),
  add column lacks text[] not null default '{}' constraint deployments_lacks_check
    check (lacks <@ array['tools', 'vision', 'audio', 'schema', 'reasoning']);
