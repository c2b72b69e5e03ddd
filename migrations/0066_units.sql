-- What calls use besides the classes of tokens known so far: what is cached for an hour, tokens of
-- pictures made, and units that are not tokens. Null is zero: the columns cost nothing in rows that
-- are there, nor in those of calls that use none of it.
alter table usage_events
  add column cache_write_1h_tokens bigint,
  add column image_output_tokens bigint,
  add column images bigint,
  add column characters bigint,
  add column audio_ms bigint,
  add column searches bigint,
  add column rows bigint,
  add column compute_ms bigint;

alter table usage_hours
  add column cache_write_1h_tokens bigint,
  add column image_output_tokens bigint,
  add column images bigint,
  add column characters bigint,
  add column audio_ms bigint,
  add column searches bigint,
  add column rows bigint,
  add column compute_ms bigint;

alter table usage_days
  add column cache_write_1h_tokens bigint,
  add column image_output_tokens bigint,
  add column images bigint,
  add column characters bigint,
  add column audio_ms bigint,
  add column searches bigint,
  add column rows bigint,
  add column compute_ms bigint;
