//! What each gateway's calls used of an org's limits, in the windows that count now, by the books.

use super::counters::Least;
use crate::db::{SystemTx, Tx as _};
use crate::publish::load;
use contract::Timestamp;
use contract::channel;
use contract::id::{GatewayId, OrgId, SubscriptionId};
use contract::snapshot::{Kind, LimitRecord, LimitScope, Metric, Record};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// Parts of a sliding limit's length that gateways count by.
pub(in crate::limits) const BUCKETS: i64 = 64;
/// For how long after its window a counter is kept, in milliseconds.
const LATE_MS: i64 = 60_000;
/// An event may carry another instant than its window by so much, in seconds: clocks differ.
const SKEW_S: i64 = 3_600;
/// Whoever served an org within this long, in seconds, may still have something to say.
const LATELY_S: i64 = 900;

/// What calls of one gateway used of one limit in one window.
struct Use {
    gateway_id: GatewayId,
    limit_id: String,
    subscription_id: SubscriptionId,
    window_start: i64,
    used: i64,
}

/// The limits that may count calls of an org, in the order of their ids.
pub(super) async fn limits(tx: &mut SystemTx, org: OrgId) -> sqlx::Result<Vec<LimitRecord>> {
    let ids: Vec<Uuid> = sqlx::query_scalar!(
        r#"select id as "id!" from limits where org_id = $1
           union all select id from budgets where org_id = $1
           union all select limit_id from wallets where org_id = $1
           union all select id from plan_limits"#,
        org.0
    )
    .fetch_all(tx.conn())
    .await?;
    let records = load::records(tx, Kind::Limit, Some(&ids)).await?;
    Ok(records
        .into_iter()
        .filter_map(|record| match record {
            Record::Limit(limit) if limit.metric != Metric::Concurrency => Some(limit),
            _ => None,
        })
        .collect())
}

/// What the counters of `limits` must hold at least. Of a sliding limit, whose parts the books know
/// by the second only, that is what gateways used that it holds nothing of: `slides` says which
/// fields each counter has.
pub(super) async fn least(
    tx: &mut SystemTx,
    org: OrgId,
    limits: &[LimitRecord],
    now: Timestamp,
    slides: &HashMap<String, HashSet<String>>,
) -> sqlx::Result<Vec<Least>> {
    let Some(from) = limits.iter().map(|limit| counts_from(limit, now)).min() else {
        return Ok(Vec::new());
    };
    let ids: Vec<String> = limits.iter().map(|limit| limit.id.to_string()).collect();
    let from = Timestamp::from_timestamp(from.saturating_sub(SKEW_S), 0).unwrap_or_default();
    let rows = uses(tx, org, None, &ids, from).await?;
    Ok(summed(org, limits, &rows, now, slides))
}

fn summed(
    org: OrgId,
    limits: &[LimitRecord],
    rows: &[Use],
    now: Timestamp,
    slides: &HashMap<String, HashSet<String>>,
) -> Vec<Least> {
    let mut sums: HashMap<(String, String), Least> = HashMap::new();
    for row in rows {
        let Some(limit) = limits.iter().find(|limit| limit.id.to_string() == row.limit_id) else {
            continue;
        };
        let Some(one) = of(org, limit, row, now, slides) else { continue };
        let sum = sums.entry((one.key.clone(), one.field.clone()));
        sum.and_modify(|sum| sum.used = sum.used.saturating_add(one.used)).or_insert(one);
    }
    let mut all: Vec<Least> = sums.into_values().collect();
    all.sort_by(|a, b| (&a.key, &a.field).cmp(&(&b.key, &b.field)));
    all
}

async fn uses(
    tx: &mut SystemTx,
    org: OrgId,
    gateway: Option<GatewayId>,
    limits: &[String],
    from: Timestamp,
) -> sqlx::Result<Vec<Use>> {
    sqlx::query_as!(
        Use,
        // A call of whose end nobody has heard counts with what it held.
        r#"select gateway_id as "gateway_id!: GatewayId",
             subscription_id as "subscription_id!: SubscriptionId",
             limit_id as "limit_id!", window_start as "window_start!", sum(used)::bigint as "used!"
           from (select org_id, at, gateway_id, subscription_id, touched ->> 'limit_id' as limit_id,
                   (touched ->> 'window_start')::bigint as window_start,
                   (touched ->> 'used')::bigint as used
                 from usage_events, json_array_elements(details -> 'limits') touched
                 union all
                 select org_id, at, gateway_id, subscription_id, touched ->> 'limit_id',
                   (touched ->> 'window_start')::bigint, (touched ->> 'held')::bigint
                 from usage_unknowns, jsonb_array_elements(limits) touched
                 where state in ('open', 'unknown', 'billed')) calls
           where org_id = $1 and at >= $2 and limit_id = any($3)
             and ($4::uuid is null or gateway_id = $4)
           group by 1, 2, 3, 4
           having sum(used) > 0"#,
        org.0,
        from,
        limits,
        gateway.map(|gateway| gateway.0),
    )
    .fetch_all(tx.conn())
    .await
}

/// What the calls of one gateway used of limits of the calendar: of a sliding one, what it had in
/// hand slides out by itself.
pub(super) async fn of_gateway(
    tx: &mut SystemTx,
    org: OrgId,
    gateway: GatewayId,
    limits: &[LimitRecord],
    now: Timestamp,
) -> sqlx::Result<Vec<Least>> {
    let counted = limits.iter().filter(|limit| span_ms(limit).is_none());
    let Some(from) = counted.map(|limit| counts_from(limit, now)).min() else {
        return Ok(Vec::new());
    };
    let ids: Vec<String> = limits.iter().map(|limit| limit.id.to_string()).collect();
    let from = Timestamp::from_timestamp(from.saturating_sub(SKEW_S), 0).unwrap_or_default();
    let rows = uses(tx, org, Some(gateway), &ids, from).await?;
    Ok(summed(org, limits, &rows, now, &HashMap::new()))
}

/// Every counter of the calendar that counts now, of an org.
pub(super) async fn keys(
    tx: &mut SystemTx,
    org: OrgId,
    limits: &[LimitRecord],
    now: Timestamp,
) -> sqlx::Result<Vec<String>> {
    let subscriptions: Vec<Uuid> =
        sqlx::query_scalar!("select id from subscriptions where org_id = $1", org.0)
            .fetch_all(tx.conn())
            .await?;
    let mut keys = Vec::new();
    for limit in limits.iter().filter(|limit| span_ms(limit).is_none()) {
        let (start, _) = limit.bounds(now);
        let id = limit.id.to_string();
        let key = |whose| channel::limit_drawn(org, &id, &text(limit, whose), start);
        match subject(limit) {
            Some(whose) => keys.push(key(whose)),
            None => keys.extend(subscriptions.iter().map(|whose| key(*whose))),
        }
    }
    Ok(keys)
}

/// The counters of sliding limits that fields are wanted of.
pub(super) fn sliding_keys(org: OrgId, limits: &[LimitRecord]) -> Vec<String> {
    let sliding = limits.iter().filter(|limit| span_ms(limit).is_some());
    sliding.filter_map(|limit| Some(sliding_key(org, limit, subject(limit)?))).collect()
}

/// The gateways that drew on an org's limits lately.
pub(super) async fn served_lately(
    tx: &mut SystemTx,
    org: OrgId,
    now: Timestamp,
) -> sqlx::Result<HashSet<GatewayId>> {
    let since = now - chrono::TimeDelta::seconds(LATELY_S);
    let ids = sqlx::query_scalar!(
        r#"select distinct gateway_id as "id!: GatewayId" from usage_events e
           where org_id = $1 and at >= $2 and details is not null
             and not exists (select from gateways_left l where l.gateway_id = e.gateway_id)"#,
        org.0,
        since,
    );
    Ok(ids.fetch_all(tx.conn()).await?.into_iter().collect())
}

fn of(
    org: OrgId,
    limit: &LimitRecord,
    row: &Use,
    now: Timestamp,
    slides: &HashMap<String, HashSet<String>>,
) -> Option<Least> {
    let whose = subject(limit).unwrap_or(row.subscription_id.0);
    let gateway = row.gateway_id.to_string();
    if let Some(span) = span_ms(limit) {
        let key = sliding_key(org, limit, whose);
        if slides.get(&key).is_some_and(|gateways| gateways.contains(&gateway)) {
            return None;
        }
        // The books know the second in which a part began: it is counted as late as it may be.
        let length = (span / BUCKETS).max(1);
        let began = row.window_start.saturating_mul(1_000).saturating_add(999);
        let start = began.saturating_sub(began.rem_euclid(length));
        let until = start.saturating_add(length).saturating_add(span);
        let counts = until > now.timestamp_millis();
        return counts.then(|| Least {
            key,
            field: format!("{gateway}:{start}"),
            used: row.used,
            has_total: false,
            forget_ms: Some(now.timestamp_millis().saturating_add(span.saturating_mul(2))),
        });
    }
    let (start, end) = limit.bounds(now);
    (start == row.window_start).then(|| Least {
        key: channel::limit_drawn(org, &limit.id.to_string(), &text(limit, whose), start),
        field: gateway,
        used: row.used,
        has_total: true,
        forget_ms: (end < i64::MAX).then(|| end.saturating_mul(1_000).saturating_add(LATE_MS)),
    })
}

/// From when use counts, in epoch seconds.
fn counts_from(limit: &LimitRecord, now: Timestamp) -> i64 {
    match span_ms(limit) {
        Some(span) => now.timestamp().saturating_sub(span / 1_000).saturating_sub(span / 64_000),
        None => limit.bounds(now).0,
    }
}

fn span_ms(limit: &LimitRecord) -> Option<i64> {
    limit.window.seconds().filter(|_| limit.sliding).map(|seconds| seconds.saturating_mul(1_000))
}

fn sliding_key(org: OrgId, limit: &LimitRecord, whose: Uuid) -> String {
    channel::limit_sliding(org, &limit.id.to_string(), &text(limit, whose))
}

/// Whose use a limit counts; absent for one that comes with a plan: that of each subscription.
const fn subject(limit: &LimitRecord) -> Option<Uuid> {
    match limit.scope {
        LimitScope::Org(id) => Some(id.0),
        LimitScope::Team(id) => Some(id.0),
        LimitScope::App(id) => Some(id.0),
        LimitScope::Key(id) => Some(id.0),
        LimitScope::Plan(id) if limit.org_id.is_some() => Some(id.0),
        LimitScope::Plan(_) => None,
    }
}

/// The same, as the counter's name says it.
fn text(limit: &LimitRecord, whose: Uuid) -> String {
    match limit.scope {
        LimitScope::Org(id) => id.to_string(),
        LimitScope::Team(id) => id.to_string(),
        LimitScope::App(id) => id.to_string(),
        LimitScope::Key(id) => id.to_string(),
        LimitScope::Plan(id) if limit.org_id.is_some() => id.to_string(),
        LimitScope::Plan(_) => SubscriptionId(whose).to_string(),
    }
}
