-- A program that calls the gateway. The two-column reference keeps it inside its team's org, which
-- row level security alone would not: foreign keys are checked without it.
create table apps (
  id uuid primary key,
  org_id uuid not null references orgs (id) on delete cascade,
  team_id uuid not null,
  slug text not null,
  name text not null,
  description text not null default '',
  disabled boolean not null default false,
  created_at timestamptz not null,
  version bigint not null default 1,
  constraint apps_org_id_id_key unique (org_id, id),
  constraint apps_org_id_slug_key unique (org_id, slug),
  constraint apps_org_id_name_key unique (org_id, name),
  constraint apps_team_fkey foreign key (org_id, team_id) references teams (org_id, id)
);
create index apps_org_id_created_at_idx on apps (org_id, created_at desc, id desc);
select raise_tenant_wall('apps');
grant select, insert, update, delete on apps to app_tenant;
grant select, insert on apps to app_system;
