-- Routes: where the calls of a model go. The platform's have no org and are everybody's who has none of
-- their own.
create table routes (
  id uuid constraint routes_pkey primary key,
  org_id uuid constraint routes_org_id_fkey references orgs (id) on delete cascade,
  model_id uuid not null constraint routes_model_id_fkey references models (id),
  -- The newest version's number.
  number integer not null constraint routes_number_check check (number >= 1),
  -- The version that counts for calls. Null: none.
  active integer,
  created_at timestamptz not null,
  version bigint not null default 1,
  constraint routes_model_id_key unique nulls not distinct (org_id, model_id),
  constraint routes_org_id_id_key unique (org_id, id),
  constraint routes_active_check check (active between 1 and number)
);
create index routes_model_id_idx on routes (model_id);
create index routes_created_at_idx on routes (org_id, created_at desc, id desc);

-- What a route said when. Appended to, never changed.
create table route_versions (
  id uuid constraint route_versions_pkey primary key,
  route_id uuid not null
    constraint route_versions_route_id_fkey references routes (id) on delete cascade,
  org_id uuid,
  number integer not null,
  policy jsonb not null,
  note text not null,
  created_by_name text not null,
  created_at timestamptz not null,
  constraint route_versions_number_key unique (route_id, number),
  -- A tenant's version belongs to a route of the same tenant.
  constraint route_versions_route_fkey foreign key (org_id, route_id)
    references routes (org_id, id) on delete cascade
);

select raise_tenant_wall('routes');
select raise_tenant_wall('route_versions');

revoke all on routes, route_versions from public;
grant select, insert, update, delete on routes to app_tenant, app_system;
grant select, insert on route_versions to app_tenant, app_system;
-- A tenant's route names deployments: which model's they are, where, and whether they take calls. Who runs
-- them stays with the platform.
grant select (id, model_id, region, weight, disabled) on deployments to app_tenant;
