-- Who belongs to which org, as what. A person sees their own; an org sees its own.
create table memberships (
  org_id uuid not null references orgs (id) on delete cascade,
  person_id uuid not null references people (id) on delete cascade,
  role text not null constraint memberships_role_check
    check (role in ('owner', 'admin', 'developer', 'finance', 'auditor')),
  created_at timestamptz not null,
  version bigint not null default 1,
  constraint memberships_pkey primary key (org_id, person_id)
);
create index memberships_person_id_idx on memberships (person_id);
select raise_tenant_wall('memberships');
create policy self on memberships for select to app_person
  using (person_id::text = current_setting('app.person_id'));
create policy self on orgs for select to app_person
  using (exists (select 1 from memberships m where m.org_id = orgs.id));
create policy colleagues on people for select to app_tenant
  using (exists (select 1 from memberships m where m.person_id = people.id));
grant select, insert, update, delete on memberships to app_tenant, app_system;
grant select on memberships, orgs to app_person;
grant select (id, email, name) on people to app_tenant;
