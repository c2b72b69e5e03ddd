-- Providers that speak Ollama's own dialect.
alter table providers drop constraint providers_dialect_check;
alter table providers add constraint providers_dialect_check check (
  dialect in ('openai', 'responses', 'anthropic', 'gemini', 'bedrock', 'cohere', 'watsonx', 'ollama',
              'oip'));

alter table providers drop constraint providers_also_check;
alter table providers add constraint providers_also_check check (
  also <@ array['openai', 'responses', 'anthropic', 'gemini', 'bedrock', 'cohere', 'watsonx', 'ollama',
                'oip']
  and not dialect = any (also));
