-- What can be subscribed to, on which terms, at which price; and who is subscribed.
create table products (
  id uuid constraint products_pkey primary key,
  slug text not null constraint products_slug_key unique
    constraint products_slug_check check (slug ~ '^[a-z0-9](-?[a-z0-9])*$' and length(slug) <= 60),
  name text not null,
  kind text not null constraint products_kind_check check (kind in ('model')),
  summary text not null,
  description text not null,
  state text not null
    constraint products_state_check check (state in ('draft', 'published', 'withdrawn')),
  created_at timestamptz not null,
  version bigint not null default 1
);
create index products_created_at_idx on products (created_at desc, id desc);

create table product_models (
  product_id uuid not null constraint product_models_product_id_fkey references products (id) on delete cascade,
  model_id uuid not null constraint product_models_model_id_fkey references models (id),
  position integer not null,
  constraint product_models_pkey primary key (product_id, model_id)
);
create index product_models_model_id_idx on product_models (model_id);

create table plans (
  id uuid constraint plans_pkey primary key,
  product_id uuid not null constraint plans_product_id_fkey references products (id),
  slug text not null
    constraint plans_slug_check check (slug ~ '^[a-z0-9](-?[a-z0-9])*$' and length(slug) <= 60),
  name text not null,
  description text not null,
  approval text not null constraint plans_approval_check check (approval in ('auto', 'manual')),
  default_for_new_apps boolean not null,
  output_tokens_max integer constraint plans_output_tokens_max_check check (output_tokens_max >= 1),
  created_at timestamptz not null,
  version bigint not null default 1,
  constraint plans_product_id_slug_key unique (product_id, slug),
  -- A subscription names plan and product; this lets the database hold the two together.
  constraint plans_id_product_id_key unique (id, product_id)
);
-- An app has one subscription to a product, so a product has at most one plan that new apps get.
create unique index plans_product_id_default_key on plans (product_id) where default_for_new_apps;

create table plan_limits (
  id uuid constraint plan_limits_pkey primary key,
  plan_id uuid not null constraint plan_limits_plan_id_fkey references plans (id),
  metric text not null constraint plan_limits_metric_check check (metric in ('requests', 'tokens', 'money')),
  time_window text not null constraint plan_limits_time_window_check
    check (time_window in ('second', 'minute', 'hour', 'day', 'month', 'lifetime')),
  max bigint not null constraint plan_limits_max_check check (max >= 0),
  constraint plan_limits_plan_id_metric_time_window_key unique (plan_id, metric, time_window)
);

-- A price is never edited: a newer one takes over from its instant on. Rates are nano-dollars per
-- million tokens, and per call.
create table prices (
  id uuid constraint prices_pkey primary key,
  model_id uuid not null constraint prices_model_id_fkey references models (id),
  plan_id uuid constraint prices_plan_id_fkey references plans (id),
  effective_from timestamptz not null,
  rates jsonb not null constraint prices_rates_check
    check ((rates->>'input')::bigint >= 0 and (rates->>'output')::bigint >= 0),
  created_at timestamptz not null,
  constraint prices_model_id_plan_id_effective_from_key
    unique nulls not distinct (model_id, plan_id, effective_from)
);

create table subscriptions (
  id uuid constraint subscriptions_pkey primary key,
  org_id uuid not null constraint subscriptions_org_id_fkey references orgs (id) on delete cascade,
  app_id uuid not null,
  product_id uuid not null,
  plan_id uuid not null,
  state text not null constraint subscriptions_state_check
    check (state in ('requested', 'active', 'suspended', 'cancelled', 'expired', 'refused')),
  expires_at timestamptz,
  created_at timestamptz not null,
  version bigint not null default 1,
  constraint subscriptions_org_id_id_key unique (org_id, id),
  constraint subscriptions_app_fkey
    foreign key (org_id, app_id) references apps (org_id, id) on delete cascade,
  constraint subscriptions_plan_id_product_id_fkey
    foreign key (plan_id, product_id) references plans (id, product_id)
);
create unique index subscriptions_app_id_product_id_key on subscriptions (app_id, product_id)
  where state in ('requested', 'active', 'suspended');
create index subscriptions_org_id_created_at_idx on subscriptions (org_id, created_at desc, id desc);

select raise_tenant_wall('subscriptions');

revoke all on products, product_models, plans, plan_limits, prices, subscriptions from public;
grant select on products, product_models, plans, plan_limits, prices to app_tenant, app_person;
grant select, insert, update, delete on products, product_models, plans, plan_limits to app_system;
grant select, insert on prices to app_system;
grant select, insert, update on subscriptions to app_tenant, app_system;
