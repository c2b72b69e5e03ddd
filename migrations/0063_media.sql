-- Models that make pictures, speak, listen, and judge content.
alter table models drop constraint models_modality_check;
alter table models add constraint models_modality_check check (
  modality in ('chat', 'embedding', 'rerank', 'predict', 'image', 'speech', 'transcription', 'moderation'));
