-- Answers that are given again: what a plan says of them, how often what was kept was thrown away, and
-- which calls were answered so.
alter table plans
  -- Null: every call is made.
  add column cache jsonb;
alter table orgs
  add column purges integer not null default 0 constraint orgs_purges_check check (purges >= 0);
alter table products
  add column purges integer not null default 0 constraint products_purges_check check (purges >= 0);
-- Null: the call was made, at its whole price.
alter table usage_events
  add column cached text constraint usage_events_cached_check check (cached in ('exact', 'coalesced')),
  add column price_percent smallint
    constraint usage_events_price_percent_check check (price_percent between 0 and 99);
