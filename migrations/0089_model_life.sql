-- The life of a model: its versions, when it ends and what comes after it, where its name leads, and when a
-- share of its calls is refused so that everybody notices.
alter table models
  add column deprecated_at timestamptz,
  add column sunset_at timestamptz,
  add column retired_at timestamptz,
  add column successor_id uuid constraint models_successor_id_fkey references models (id),
  -- Where calls of its name go: null is the model itself.
  add column lead_id uuid constraint models_lead_id_fkey references models (id),
  -- The label of a version of that model; empty: none.
  add column lead_version text not null default '',
  add constraint models_successor_id_check check (successor_id <> id),
  add constraint models_sunset_at_check check (sunset_at >= deprecated_at);
update models set deprecated_at = now() where state = 'deprecated';
update models set retired_at = now() where state = 'retired';
alter table models
  add constraint models_deprecated_at_check check (state <> 'deprecated' or deprecated_at is not null),
  add constraint models_retired_at_check check ((state = 'retired') = (retired_at is not null));
create index models_sunset_at_idx on models (sunset_at) where state = 'deprecated';

create table model_versions (
  id uuid constraint model_versions_pkey primary key,
  model_id uuid not null constraint model_versions_model_id_fkey references models (id),
  label text not null constraint model_versions_label_check check (label ~ '^[a-z0-9._-]{1,40}$'),
  state text not null
    constraint model_versions_state_check check (state in ('draft', 'active', 'deprecated', 'retired')),
  deprecated_at timestamptz,
  sunset_at timestamptz,
  created_at timestamptz not null,
  version bigint not null default 1,
  constraint model_versions_label_key unique (model_id, label),
  constraint model_versions_model_id_id_key unique (model_id, id),
  constraint model_versions_sunset_at_check check (sunset_at >= deprecated_at),
  constraint model_versions_deprecated_at_check check (state <> 'deprecated' or deprecated_at is not null)
);
create index model_versions_sunset_at_idx on model_versions (sunset_at) where state = 'deprecated';

-- A deployment runs a version of its own model, or the model as such.
alter table deployments
  add column model_version_id uuid,
  add constraint deployments_model_version_fkey
    foreign key (model_id, model_version_id) references model_versions (model_id, id);
create index deployments_model_version_id_idx on deployments (model_version_id);

create table model_brown_outs (
  id uuid constraint model_brown_outs_pkey primary key,
  model_id uuid not null constraint model_brown_outs_model_id_fkey references models (id),
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  percent smallint not null constraint model_brown_outs_percent_check check (percent between 1 and 100),
  answer text not null constraint model_brown_outs_answer_check check (answer in ('unavailable', 'gone')),
  created_at timestamptz not null,
  constraint model_brown_outs_length_check check (ends_at > starts_at)
);
create index model_brown_outs_model_id_ends_at_idx on model_brown_outs (model_id, ends_at);

revoke all on model_versions, model_brown_outs from public;
grant select, insert, update, delete on model_versions, model_brown_outs to app_system;
