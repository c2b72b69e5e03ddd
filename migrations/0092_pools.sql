-- Pools: the replicas behind a provider, and whose calls go first where they wait for one.
alter table providers
  -- Null: it has one address, its own.
  add column pool jsonb;
alter table plans
  add column priority smallint not null default 0
    constraint plans_priority_check check (priority between 0 and 9);
