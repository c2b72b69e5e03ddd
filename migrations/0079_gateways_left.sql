-- Gateways whose process is gone and of whom the books have all: whoever completes counts need not wait for
-- them. Redis knows them, too, and may forget.
create table gateways_left (
  gateway_id uuid not null constraint gateways_left_pkey primary key,
  left_at timestamptz not null
);
revoke all on gateways_left from public;
grant select, insert, delete on gateways_left to app_system;
