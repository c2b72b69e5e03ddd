-- What must hold between single rows of the books; a row of the answer for each thing that does not.
with
  entries as materialized (
    select t.org_id, t.id, t.kind, t.request_id, t.corrects,
      count(e.transaction_id) as legs, coalesce(sum(e.amount_nanos), 0) as total,
      coalesce(-sum(e.amount_nanos) filter (where a.kind = 'revenue'), 0) as earned,
      coalesce(sum(e.amount_nanos) filter (where a.kind = 'wallet'), 0) as wallet,
      coalesce(sum(e.amount_nanos) filter (where a.kind = 'receivable'), 0) as owed
    from ledger_transactions t left join ledger_entries e on e.transaction_id = t.id
      left join ledger_accounts a on a.id = e.account_id
    group by t.id),
  draws as materialized (
    select d.org_id, d.transaction_id, sum(d.amount_nanos) as nanos
    from credit_draws d group by 1, 2),
  wallet as (
    select w.org_id, w.credited_nanos, w.drawn_nanos, w.expired_nanos, w.overrun_nanos,
      w.balance_nanos, w.floor_nanos,
      (select coalesce(sum(amount_nanos), 0) from credits c where c.org_id = w.org_id) as credited,
      (select coalesce(sum(remaining_nanos), 0) from credits c where c.org_id = w.org_id) as remaining
    from wallets w),
  booked as (
    select entries.org_id, -sum(wallet) as balance, sum(owed) as owed,
      sum(wallet) filter (where wallet > 0 and kind = 'expiry') as expired,
      sum(wallet) filter (where wallet > 0 and kind <> 'expiry') as drawn
    from entries group by 1),
  -- Hours that wait to be summed up again are no proof of anything.
  stale as materialized (
    select distinct org_id, date_trunc('hour', minute, 'UTC') as hour from usage_stale_minutes),
  event_hours as materialized (
    select org_id, date_trunc('hour', at, 'UTC') as hour, count(*) as calls,
      sum(cost_nanos) as nanos from usage_events group by 1, 2),
  rated_events as materialized (
    select u.org_id, date_trunc('hour', u.at, 'UTC') as hour, u.plan_id, u.model_id, u.price_id,
      count(*) as calls,
      sum(u.input_tokens + u.cached_input_tokens + u.cache_write_tokens
        + coalesce(u.cache_write_1h_tokens, 0) + u.audio_input_tokens + u.image_input_tokens
        + u.output_tokens + u.reasoning_tokens + u.audio_output_tokens
        + coalesce(u.image_output_tokens, 0)) as tokens,
      sum(coalesce(u.images, 0) + coalesce(u.characters, 0) + coalesce(u.audio_ms, 0)
        + coalesce(u.searches, 0) + coalesce(u.rows, 0) + coalesce(u.compute_ms, 0)) as units,
      sum(u.cost_nanos) as nanos
    from usage_events u
    join (select m.month, p.id from (select distinct date_trunc('month', hour, 'UTC') as month
        from event_hours) m cross join plans p where p.id in (select plan_id from plan_tariffs)
        and plan_tariff_at(p.id, m.month) is not null) of
      on of.id = u.plan_id and of.month = date_trunc('month', u.at, 'UTC')
    where u.outcome <> 'upstream_error' and u.operation <> 'count_tokens'
      and u.price_percent is null
    group by 1, 2, 3, 4, 5),
  sum_hours as materialized (
    select org_id, hour, sum(requests) as calls, sum(cost_nanos) as nanos
    from usage_hours group by 1, 2),
  sum_days as (
    select org_id, day, sum(requests) as calls, sum(cost_nanos) as nanos
    from usage_days group by 1, 2),
  wrong (org_id, what, example) as (
    select org_id, 'transactions do not balance', id::text from entries
      where total <> 0 or legs < 2
    union all
    select e.org_id, 'calls are billed another amount than they cost', e.request_id::text
      from entries e join usage_events u on u.request_id = e.request_id and u.org_id = e.org_id
      where e.kind = 'usage' and e.earned <> u.cost_nanos
    union all
    select coalesce(e.org_id, d.org_id),
        'transactions took something else of the wallet than of its credits',
        coalesce(e.id, d.transaction_id)::text
      from (select * from entries where wallet > 0) e
      full join draws d on d.transaction_id = e.id
      where e.wallet is distinct from d.nanos
    union all
    select c.org_id, 'credits have left something else than was not drawn', c.id::text
      from credits c
      where c.remaining_nanos <> c.amount_nanos -
        (select coalesce(sum(amount_nanos), 0) from credit_draws d where d.credit_id = c.id)
    union all
    select c.org_id, 'credits are not what their transactions paid in', c.id::text
      from credits c left join entries e on e.id = c.transaction_id
      where e.wallet is distinct from -c.amount_nanos
    union all
    select w.org_id, 'wallets have another balance than the ledger', w.balance_nanos::text
      from wallet w left join booked b on b.org_id = w.org_id
      where w.balance_nanos <> coalesce(b.balance, 0)
    union all
    select w.org_id, 'wallets have another balance than their credits', w.balance_nanos::text
      from wallet w where w.balance_nanos <> w.remaining or w.credited_nanos <> w.credited
    union all
    select w.org_id, 'wallets count other draws than the ledger', w.drawn_nanos::text
      from wallet w left join booked b on b.org_id = w.org_id
      where w.drawn_nanos <> coalesce(b.drawn, 0) or w.expired_nanos <> coalesce(b.expired, 0)
    union all
    select w.org_id, 'wallets are below their floor', w.balance_nanos::text
      from wallet w where w.balance_nanos < w.floor_nanos
    union all
    select u.org_id, 'calls of unknown outcome are called settled without what they used', u.request_id::text
      from usage_unknowns u
      where u.state = 'settled' and not exists (select from usage_events e
          where e.request_id = u.request_id and e.at between u.at - interval '1 second' and u.at + interval '1 second')
        and u.at >= coalesce((select min(at) from usage_events), u.at + interval '1 second')
    union all
    select u.org_id, 'calls of unknown outcome have told what they used', u.request_id::text
      from usage_unknowns u join usage_events e on e.request_id = u.request_id
        and e.at between u.at - interval '1 second' and u.at + interval '1 second'
      where u.state <> 'settled'
    union all
    select u.org_id, 'calls of unknown outcome are billed another amount than was reserved', u.request_id::text
      from usage_unknowns u left join entries e on e.id = u.transaction_id
      where u.state = 'billed' and coalesce(e.earned, 0) <> u.reserved_nanos
    union all
    select u.org_id, 'calls are billed although their outcome is known or forgiven', u.request_id::text
      from usage_unknowns u
      where u.state in ('settled', 'forgiven') and u.transaction_id is not null
        and not exists (select from entries e where e.corrects = u.transaction_id)
    union all
    select e.org_id, 'reservations are billed of calls that are not of unknown outcome', e.request_id::text
      from entries e
      where e.kind = 'unknown' and not exists (select from usage_unknowns u
        where u.request_id = e.request_id and u.transaction_id = e.id)
    union all
    select coalesce(e.org_id, h.org_id), 'hours are not the sum of their events',
        to_char(coalesce(e.hour, h.hour) at time zone 'UTC', 'YYYY-MM-DD HH24:00')
      from event_hours e full join sum_hours h on h.org_id = e.org_id and h.hour = e.hour
      where (e.calls, e.nanos) is distinct from (h.calls, h.nanos)
        and coalesce(e.hour, h.hour) >=
          (select coalesce(date_trunc('month', min(hour), 'UTC'), 'infinity') from event_hours)
        and not exists (select from stale s where s.org_id = coalesce(e.org_id, h.org_id)
          and s.hour = coalesce(e.hour, h.hour))
    union all
    select coalesce(h.org_id, d.org_id), 'days are not the sum of their hours',
        to_char(coalesce(h.day, d.day) at time zone 'UTC', 'YYYY-MM-DD')
      from (select org_id, date_trunc('day', hour, 'UTC') as day, sum(calls) as calls,
          sum(nanos) as nanos from sum_hours group by 1, 2) h
        full join sum_days d on d.org_id = h.org_id and d.day = h.day
      where (h.calls, h.nanos) is distinct from (d.calls, d.nanos)
    union all
    select coalesce(d.org_id, m.org_id), 'months are not the sum of their days',
        to_char(coalesce(d.month, m.month) at time zone 'UTC', 'YYYY-MM')
      from (select org_id, date_trunc('month', day, 'UTC') as month, team_id, app_id, key_id, product_id,
          plan_id, model_id, sum(requests) as calls, sum(cost_nanos) as nanos from usage_days group by 1, 2, 3, 4, 5, 6, 7, 8) d
        full join usage_months m using (org_id, month, team_id, app_id, key_id, product_id, plan_id, model_id)
      where (d.calls, d.nanos) is distinct from (m.requests, m.cost_nanos)
        -- A month with a day that waits is not read.
        and not exists (select from usage_stale_days s where s.org_id = coalesce(d.org_id, m.org_id)
          and date_trunc('month', s.day, 'UTC') = coalesce(d.month, m.month))
    union all
    select coalesce(d.org_id, l.org_id), 'lines of days are not the sum of their day',
        to_char(coalesce(d.day, l.day) at time zone 'UTC', 'YYYY-MM-DD')
      from (select org_id, day, k.kind, k.id, sum(requests) as calls, sum(cost_nanos) as nanos
          from usage_days cross join lateral (values ('org', org_id), ('team', team_id), ('app', app_id),
            ('key', key_id), ('model', model_id), ('product', product_id)) k (kind, id) group by 1, 2, 3, 4) d
        full join usage_day_lines l using (org_id, day, kind, id)
      where (d.calls, d.nanos) is distinct from (l.requests, l.cost_nanos)
        and not exists (select from usage_stale_days s
          where s.org_id = coalesce(d.org_id, l.org_id) and s.day = coalesce(d.day, l.day))
    union all
    select coalesce(h.org_id, l.org_id), 'lines of hours are not the sum of their hour',
        to_char(coalesce(h.hour, l.hour) at time zone 'UTC', 'YYYY-MM-DD HH24:00')
      from (select org_id, hour, k.kind, k.id, sum(requests) as calls, sum(cost_nanos) as nanos
          from usage_hours cross join lateral (values ('org', org_id), ('team', team_id), ('app', app_id),
            ('model', model_id)) k (kind, id) group by 1, 2, 3, 4) h
        full join usage_hour_lines l using (org_id, hour, kind, id)
      where (h.calls, h.nanos) is distinct from (l.requests, l.cost_nanos)
        and not exists (select from usage_stale_days s where s.org_id = coalesce(h.org_id, l.org_id)
          and s.day = date_trunc('day', coalesce(h.hour, l.hour), 'UTC'))
    union all
    select coalesce(e.org_id, p.org_id), 'hours that tariffs are rated from are not the sum of their events',
        to_char(coalesce(e.hour, p.hour) at time zone 'UTC', 'YYYY-MM-DD HH24:00')
      from rated_events e full join usage_priced_hours p on p.org_id = e.org_id and p.hour = e.hour
        and p.plan_id = e.plan_id and p.model_id = e.model_id and p.price_id = e.price_id
      where (e.calls, e.tokens, e.units, e.nanos) is distinct from (p.calls,
          p.input_tokens + p.cached_input_tokens + p.cache_write_tokens + p.cache_write_1h_tokens
          + p.audio_input_tokens + p.image_input_tokens + p.output_tokens + p.reasoning_tokens
          + p.audio_output_tokens + p.image_output_tokens,
          p.images + p.characters + p.audio_ms + p.searches + p.rows + p.compute_ms, p.cost_nanos)
        and coalesce(e.hour, p.hour) >=
          (select coalesce(date_trunc('month', min(hour), 'UTC'), 'infinity') from event_hours)
        and not exists (select from stale s where s.org_id = coalesce(e.org_id, p.org_id)
          and s.hour = coalesce(e.hour, p.hour))
        and not exists (select from usage_priced_stale s where s.org_id = coalesce(e.org_id, p.org_id)
          and s.hour = coalesce(e.hour, p.hour)))
select coalesce(orgs.slug, wrong.org_id::text) as "slug!", what as "what!",
  count(*) as "count!", min(example) as "example!"
from wrong left join orgs on orgs.id = wrong.org_id
group by 1, 2 order by 1, 2
