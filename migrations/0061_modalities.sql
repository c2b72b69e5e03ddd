-- Models that rank documents, and models that predict.
alter table models drop constraint models_modality_check;
alter table models add constraint models_modality_check check (
  modality in ('chat', 'embedding', 'rerank', 'predict'));
