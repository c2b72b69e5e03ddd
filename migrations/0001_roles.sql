-- Three roles, so that a forgotten WHERE cannot cross a tenant: the login role switches to one of
-- them at the start of every transaction. Roles belong to the cluster, so several databases may
-- create them at the same moment.
do $$
declare
  name text;
begin
  foreach name in array array['app_tenant', 'app_person', 'app_system'] loop
    begin
      execute format('create role %I nologin noinherit', name);
    exception when duplicate_object or unique_violation then null;
    end;
    -- Since Postgres 16 who makes a role is its member and yet may not switch to it: so try.
    begin
      execute format('set local role %I', name);
      reset role;
    exception when insufficient_privilege then
      begin
        execute format('grant %I to %I', name, current_user);
      exception when unique_violation or internal_error then null;
      end;
    end;
  end loop;
end $$;
