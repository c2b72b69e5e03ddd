-- Other names for models, and when a name leads elsewhere. Whoever changes names holds a lock, so that no two
-- changes make a circle, or a name that two things have.
create table model_aliases (
  id uuid constraint model_aliases_pkey primary key,
  name text not null constraint model_aliases_name_key unique
    constraint model_aliases_name_check check (name ~ '^[a-z0-9._/:-]{1,100}$'),
  lead_model_id uuid constraint model_aliases_lead_model_id_fkey references models (id),
  lead_alias_id uuid constraint model_aliases_lead_alias_id_fkey references model_aliases (id),
  -- The label of a version of the model; empty: none.
  lead_version text not null default '',
  created_at timestamptz not null,
  version bigint not null default 1,
  constraint model_aliases_lead_check check (num_nonnulls(lead_model_id, lead_alias_id) = 1)
);
create index model_aliases_lead_model_id_idx on model_aliases (lead_model_id);
create index model_aliases_lead_alias_id_idx on model_aliases (lead_alias_id);

-- What was to lead where from when on; what was said is kept in words, for names go.
create table model_cut_overs (
  id uuid constraint model_cut_overs_pkey primary key,
  model_id uuid constraint model_cut_overs_model_id_fkey references models (id),
  alias_id uuid constraint model_cut_overs_alias_id_fkey references model_aliases (id) on delete cascade,
  at timestamptz not null,
  to_model_id uuid constraint model_cut_overs_to_model_id_fkey references models (id),
  to_alias_id uuid constraint model_cut_overs_to_alias_id_fkey references model_aliases (id) on delete set null,
  to_version text not null default '',
  to_words text not null,
  before_model_id uuid constraint model_cut_overs_before_model_id_fkey references models (id),
  before_alias_id uuid
    constraint model_cut_overs_before_alias_id_fkey references model_aliases (id) on delete set null,
  before_version text not null default '',
  before_words text,
  rolls_back_id uuid constraint model_cut_overs_rolls_back_id_fkey references model_cut_overs (id) on delete cascade,
  created_by_name text not null,
  created_at timestamptz not null,
  done_at timestamptz,
  cancelled_at timestamptz,
  constraint model_cut_overs_subject_check check (num_nonnulls(model_id, alias_id) = 1),
  constraint model_cut_overs_end_check check (num_nonnulls(done_at, cancelled_at) <= 1)
);
create unique index model_cut_overs_model_id_key on model_cut_overs (model_id)
  where done_at is null and cancelled_at is null;
create unique index model_cut_overs_alias_id_key on model_cut_overs (alias_id)
  where done_at is null and cancelled_at is null;
create index model_cut_overs_created_at_idx on model_cut_overs (created_at desc, id desc);

revoke all on model_aliases, model_cut_overs from public;
grant select, insert, update, delete on model_aliases, model_cut_overs to app_system;
