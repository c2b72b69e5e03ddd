-- A department inside an org; owns apps and carries a cost centre.
create table teams (
  id uuid primary key,
  org_id uuid not null references orgs (id) on delete cascade,
  slug text not null,
  name text not null,
  cost_center text,
  created_at timestamptz not null,
  version bigint not null default 1,
  constraint teams_org_id_id_key unique (org_id, id),
  constraint teams_org_id_slug_key unique (org_id, slug),
  constraint teams_org_id_name_key unique (org_id, name)
);
select raise_tenant_wall('teams');
grant select, insert, update on teams to app_tenant;
grant select, insert on teams to app_system;
