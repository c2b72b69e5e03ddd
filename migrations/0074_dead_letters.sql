-- Dead letters that somebody looks at: whose call it was as far as one can tell, whether an operator
-- was told, and whether it could be booked after all. An org sees how many are its own and not more.
alter table usage_dead_letters
  add column request_id uuid,
  add column org_id uuid,
  add column alerted_at timestamptz,
  add column replayed_at timestamptz;
create index usage_dead_letters_at_idx on usage_dead_letters (at desc, id desc);
create index usage_dead_letters_open_idx on usage_dead_letters (org_id, at) where replayed_at is null;

select raise_tenant_wall('usage_dead_letters');
grant select (org_id, at, replayed_at) on usage_dead_letters to app_tenant;
grant update (alerted_at, replayed_at) on usage_dead_letters to app_system;
