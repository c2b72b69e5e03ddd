-- One way to wall a tenant's table: row level security, forced, with the org of the transaction.
-- current_setting without a default raises when no org is set, where the other form returns nothing.
create function raise_tenant_wall(target regclass, org_column name default 'org_id')
returns void language plpgsql as $$
begin
  execute format('alter table %s enable row level security', target);
  execute format('alter table %s force row level security', target);
  execute format(
    'create policy tenant on %1$s to app_tenant '
    'using (%2$I = current_setting(''app.org_id'')::uuid) '
    'with check (%2$I = current_setting(''app.org_id'')::uuid)',
    target, org_column);
  execute format(
    'create policy system on %s to app_system using (true) with check (true)', target);
end $$;
