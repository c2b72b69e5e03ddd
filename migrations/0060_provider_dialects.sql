-- Providers that speak other dialects than OpenAI's, that serve several, and that need to know a
-- region, a project or a version besides the address.
alter table providers drop constraint providers_dialect_check;
alter table providers add constraint providers_dialect_check check (
  dialect in ('openai', 'responses', 'anthropic', 'gemini', 'bedrock', 'cohere', 'watsonx'));

alter table providers drop constraint providers_auth_check;
alter table providers add constraint providers_auth_check check (
  auth in ('none', 'bearer', 'api_key', 'x_api_key', 'google_api_key', 'aws_sigv4',
           'google_service_account', 'ibm_iam'));

alter table providers
  add column also text[] not null default '{}' constraint providers_also_check check (
    also <@ array['openai', 'responses', 'anthropic', 'gemini', 'bedrock', 'cohere', 'watsonx']
    and not dialect = any (also)),
  add column settings jsonb not null default '{}' constraint providers_settings_check check (
    jsonb_typeof(settings) = 'object');
