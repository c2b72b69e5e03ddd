-- Providers that predict with JSON of their own layout.
alter table providers drop constraint providers_dialect_check;
alter table providers add constraint providers_dialect_check check (
  dialect in ('openai', 'responses', 'anthropic', 'gemini', 'bedrock', 'cohere', 'watsonx', 'ollama',
              'oip', 'predict'));

alter table providers drop constraint providers_also_check;
alter table providers add constraint providers_also_check check (
  also <@ array['openai', 'responses', 'anthropic', 'gemini', 'bedrock', 'cohere', 'watsonx', 'ollama',
                'oip', 'predict']
  and not dialect = any (also));
