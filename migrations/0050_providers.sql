-- Who runs models. Platform tables: no tenant role reaches them, and a credential is kept sealed
-- in a table of its own, so that a list of providers cannot carry one by accident.
create table providers (
  id uuid constraint providers_pkey primary key,
  slug text not null constraint providers_slug_key unique
    constraint providers_slug_check check (slug ~ '^[a-z0-9](-?[a-z0-9])*$' and length(slug) <= 60),
  name text not null,
  base_url text not null,
  dialect text not null constraint providers_dialect_check check (dialect in ('openai')),
  auth text not null constraint providers_auth_check check (auth in ('none', 'bearer', 'api_key')),
  disabled boolean not null default false,
  created_at timestamptz not null,
  version bigint not null default 1
);

create table provider_credentials (
  provider_id uuid constraint provider_credentials_pkey primary key
    constraint provider_credentials_provider_id_fkey references providers (id) on delete cascade,
  sealed jsonb not null,
  created_at timestamptz not null
);

revoke all on providers, provider_credentials from public, app_tenant, app_person;
grant select, insert, update, delete on providers, provider_credentials to app_system;
