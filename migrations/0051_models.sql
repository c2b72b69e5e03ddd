-- What callers name, and where it answers. Tenants may read models; deployments tell where and
-- with whom a model runs, so they stay with the platform.
create table models (
  id uuid constraint models_pkey primary key,
  name text not null constraint models_name_key unique
    constraint models_name_check check (name ~ '^[a-z0-9._/:-]{1,100}$'),
  display_name text not null,
  modality text not null constraint models_modality_check check (modality in ('chat', 'embedding')),
  state text not null
    constraint models_state_check check (state in ('draft', 'active', 'deprecated', 'retired')),
  context_tokens_max integer not null constraint models_context_tokens_max_check check (context_tokens_max >= 0),
  output_tokens_max integer not null constraint models_output_tokens_max_check
    check (output_tokens_max >= 0 and (modality <> 'chat' or output_tokens_max >= 1)),
  created_at timestamptz not null,
  version bigint not null default 1
);

create table deployments (
  id uuid constraint deployments_pkey primary key,
  model_id uuid not null constraint deployments_model_id_fkey references models (id),
  provider_id uuid not null constraint deployments_provider_id_fkey references providers (id),
  upstream_model text not null,
  region text not null default '',
  weight integer not null constraint deployments_weight_check check (weight between 0 and 1000),
  disabled boolean not null default false,
  created_at timestamptz not null,
  version bigint not null default 1,
  constraint deployments_address_key unique (model_id, provider_id, upstream_model, region)
);
create index deployments_provider_id_idx on deployments (provider_id);

revoke all on models, deployments from public;
grant select on models to app_tenant, app_person;
grant select, insert, update, delete on models, deployments to app_system;
