//! All SQL on calls of unknown outcome, as booking and jobs need it.

use crate::billing::corrections;
use crate::billing::wallets::store as wallets;
use crate::billing::wallets::store::Moved;
use crate::db::{SystemTx, Tx as _};
use contract::Timestamp;
use contract::api::billing::{AccountKind, UnknownPolicy, UnknownState};
use contract::id::{
    AppId, GatewayId, KeyId, LedgerTransactionId, LimitId, ModelId, OrgId, PlanId, PriceId,
    ProductId, RequestId, SubscriptionId, TeamId,
};
use contract::money::Nanos;
use contract::snapshot::Tag;
use contract::usage::{LimitTouched, Outcome, Tokens, Units, Unsettled, UsageEvent};
use serde::Serialize;
use sqlx::types::Json;
use std::collections::HashMap;
use uuid::Uuid;

#[derive(Serialize)]
struct Row<'a> {
    request_id: Uuid,
    at: Timestamp,
    org_id: Uuid,
    team_id: Uuid,
    app_id: Uuid,
    key_id: Uuid,
    subscription_id: Uuid,
    product_id: Uuid,
    plan_id: Uuid,
    model_id: Uuid,
    operation: &'static str,
    stream: bool,
    price_id: Uuid,
    reserved_nanos: i64,
    gateway_id: Uuid,
    config_version: i64,
    tags: &'a [Tag],
    limits: &'a [LimitTouched],
    state: &'static str,
    unknown_at: Option<Timestamp>,
}

/// Takes in what gateways told of calls without an end. What names no org, plan or price of ours is
/// left out; answers the requests that were.
///
/// # Errors
/// Postgres refused.
pub async fn take(tx: &mut SystemTx, told: &[Unsettled]) -> sqlx::Result<Vec<RequestId>> {
    if told.is_empty() {
        return Ok(Vec::new());
    }
    let now = tx.now();
    let mut rows: HashMap<Uuid, Row<'_>> = HashMap::new();
    for one in told {
        let new = row(one, now);
        rows.entry(new.request_id)
            .and_modify(|row| {
                row.reserved_nanos = row.reserved_nanos.max(new.reserved_nanos);
                if new.unknown_at.is_some() {
                    (row.state, row.unknown_at) = (new.state, new.unknown_at);
                }
            })
            .or_insert(new);
    }
    let mut rows: Vec<Row<'_>> = rows.into_values().collect();
    rows.sort_by_key(|row| row.request_id);
    let rows = serde_json::to_value(rows).map_err(|error| sqlx::Error::Encode(error.into()))?;
    let foreign = sqlx::query_scalar!(
        r#"with told as materialized (
             select * from jsonb_populate_recordset(null::usage_unknowns, $1)),
           ours as materialized (
             select request_id from told
             where exists (select from orgs where orgs.id = told.org_id)
               and exists (select from plans where plans.id = told.plan_id)
               and exists (select from prices where prices.id = told.price_id)),
           taken as (
             insert into usage_unknowns (request_id, at, org_id, team_id, app_id, key_id,
               subscription_id, product_id, plan_id, model_id, operation, stream, price_id,
               reserved_nanos, gateway_id, config_version, tags, limits, state, seen_at, unknown_at)
             select request_id, at, org_id, team_id, app_id, key_id, subscription_id, product_id,
               plan_id, model_id, operation, stream, price_id, reserved_nanos, gateway_id,
               config_version, tags, limits, state, $2, unknown_at
             from told
             where request_id in (select request_id from ours)
               and not exists (select from usage_events event
                 where event.request_id = told.request_id
                   and event.at between told.at - interval '1 second' and told.at + interval '1 second')
             on conflict (request_id) do update set
               reserved_nanos = greatest(usage_unknowns.reserved_nanos, excluded.reserved_nanos),
               limits = case when excluded.reserved_nanos > usage_unknowns.reserved_nanos
                 then excluded.limits else usage_unknowns.limits end,
               state = case when excluded.state = 'unknown' then 'unknown'
                 else usage_unknowns.state end,
               unknown_at = coalesce(usage_unknowns.unknown_at, excluded.unknown_at)
             where usage_unknowns.state in ('open', 'unknown'))
           select request_id as "id!: RequestId" from told
           where request_id not in (select request_id from ours)"#,
        rows,
        now,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(foreign)
}

fn row(told: &Unsettled, now: Timestamp) -> Row<'_> {
    let intent = &told.intent;
    let state = if told.ended { UnknownState::Unknown } else { UnknownState::Open };
    Row {
        request_id: intent.request_id.0,
        at: intent.at,
        org_id: intent.org_id.0,
        team_id: intent.team_id.0,
        app_id: intent.app_id.0,
        key_id: intent.key_id.0,
        subscription_id: intent.subscription_id.0,
        product_id: intent.product_id.0,
        plan_id: intent.plan_id.0,
        model_id: intent.model_id.0,
        operation: intent.operation.as_str(),
        stream: intent.stream,
        price_id: intent.price_id.0,
        reserved_nanos: intent.reserved_nanos.0,
        gateway_id: intent.gateway_id.0,
        config_version: i64::try_from(intent.config_version).unwrap_or(i64::MAX),
        tags: &intent.tags,
        limits: &intent.limits,
        state: state.as_str(),
        unknown_at: told.ended.then_some(now),
    }
}

/// Ends the unknowns among calls whose events are being booked; what was billed by their
/// reservation is corrected away. Call it before the events draw on anything.
///
/// # Errors
/// Postgres refused.
pub async fn settled(tx: &mut SystemTx, events: &[&UsageEvent]) -> sqlx::Result<()> {
    let requests: Vec<Uuid> = events.iter().map(|event| event.request_id.0).collect();
    let now = tx.now();
    let billed = sqlx::query!(
        r#"update usage_unknowns set state = 'settled', resolved_at = $2
           where request_id = any($1) and state <> 'settled'
           returning org_id as "org_id: OrgId", at, limits as "limits: Json<Vec<LimitTouched>>",
             transaction_id as "transaction_id: LedgerTransactionId""#,
        &requests,
        now,
    )
    .fetch_all(tx.conn())
    .await?;
    for row in billed {
        let Some(transaction) = row.transaction_id else { continue };
        let limits = row.limits.0.iter().map(|limit| limit.limit_id).collect::<Vec<_>>();
        take_back(tx, (transaction, row.org_id, row.at), &limits, "The call's settlement came")
            .await?;
    }
    Ok(())
}

/// Corrects away all that a transaction billed.
///
/// # Errors
/// Postgres refused.
pub async fn take_back(
    tx: &mut SystemTx,
    of: (LedgerTransactionId, OrgId, Timestamp),
    limits: &[LimitId],
    reason: &str,
) -> sqlx::Result<()> {
    let drawn = wallets::sum_of(tx, of.0, AccountKind::Wallet).await?;
    // A credit of the revenue: what was billed, less than zero.
    let billed = wallets::sum_of(tx, of.0, AccountKind::Revenue).await?;
    if billed >= Nanos::ZERO {
        return Ok(());
    }
    corrections::write(tx, of, billed, reason).await?;
    // Gateways stop counting what it held, so the refund may not make room a second time.
    let wallet = wallets::lock(tx, &[of.1.0]).await?.pop();
    if wallet.is_some_and(|wallet| limits.contains(&wallet.limit_id)) && drawn > Nanos::ZERO {
        wallets::add(tx, of.1, Moved { uncounted: drawn, ..Moved::default() }).await?;
    }
    Ok(())
}

/// A call of unknown outcome that nobody else ends until the transaction does.
#[derive(Debug, Clone)]
pub struct Pending {
    pub request_id: RequestId,
    pub at: Timestamp,
    pub org_id: OrgId,
    pub plan_id: PlanId,
    pub price_id: PriceId,
    pub reserved: Nanos,
    pub limits: Json<Vec<LimitTouched>>,
    pub state: UnknownState,
    pub policy: UnknownPolicy,
    pub transaction_id: Option<LedgerTransactionId>,
}

pub async fn find_for_update(
    tx: &mut SystemTx,
    request: RequestId,
) -> sqlx::Result<Option<Pending>> {
    sqlx::query_as!(
        Pending,
        r#"select request_id as "request_id: RequestId", at, usage_unknowns.org_id as "org_id: OrgId",
             plan_id as "plan_id: PlanId", price_id as "price_id: PriceId",
             reserved_nanos as "reserved: Nanos", limits as "limits: Json<Vec<LimitTouched>>",
             state as "state: UnknownState", plans.unknown_policy as "policy: UnknownPolicy",
             transaction_id as "transaction_id: LedgerTransactionId"
           from usage_unknowns join plans on plans.id = plan_id
           where request_id = $1 for no key update of usage_unknowns"#,
        request.0,
    )
    .fetch_optional(tx.conn())
    .await
}

/// Writes down how it ended.
pub async fn set_state(
    tx: &mut SystemTx,
    request: RequestId,
    state: UnknownState,
    transaction: Option<LedgerTransactionId>,
    reason: &str,
) -> sqlx::Result<()> {
    let now = tx.now();
    let actor = tx.actor().person_id.map(|_| tx.actor().name.clone());
    sqlx::query!(
        "update usage_unknowns set state = $2, resolved_at = $3, reason = $4, actor_name = $5,
           transaction_id = coalesce($6, transaction_id)
         where request_id = $1",
        request.0,
        state.as_str(),
        now,
        reason,
        actor,
        transaction.map(|id| id.0),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Gateways with calls that have been open since before `before`.
pub async fn silent_since(tx: &mut SystemTx, before: Timestamp) -> sqlx::Result<Vec<GatewayId>> {
    sqlx::query_scalar!(
        r#"select distinct gateway_id as "id: GatewayId" from usage_unknowns
           where state = 'open' and seen_at <= $1"#,
        before,
    )
    .fetch_all(tx.conn())
    .await
}

/// Gives up on what these gateways have not told; answers how many calls that are.
pub async fn give_up(tx: &mut SystemTx, gateways: &[Uuid], before: Timestamp) -> sqlx::Result<u64> {
    let now = tx.now();
    let done = sqlx::query!(
        "update usage_unknowns set state = 'unknown', unknown_at = $3
         where state = 'open' and seen_at <= $2 and gateway_id = any($1)",
        gateways,
        before,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected())
}

/// Calls that have been unknown since before `before`, at most `count`.
pub async fn due(tx: &mut SystemTx, before: Timestamp, count: i64) -> sqlx::Result<Vec<RequestId>> {
    sqlx::query_scalar!(
        r#"select request_id as "id: RequestId" from usage_unknowns
           where state = 'unknown' and unknown_at <= $1 order by seen_at limit $2"#,
        before,
        count,
    )
    .fetch_all(tx.conn())
    .await
}

/// The event that a call would have had, with nothing used yet.
pub async fn event(tx: &mut SystemTx, call: &Pending) -> sqlx::Result<UsageEvent> {
    let row = sqlx::query!(
        r#"select team_id as "team_id: TeamId", app_id as "app_id: AppId", key_id as "key_id: KeyId",
             subscription_id as "subscription_id: SubscriptionId",
             product_id as "product_id: ProductId", model_id as "model_id: ModelId",
             operation, stream, gateway_id as "gateway_id: GatewayId", config_version,
             tags as "tags: Json<Vec<Tag>>"
           from usage_unknowns where request_id = $1"#,
        call.request_id.0,
    )
    .fetch_one(tx.conn())
    .await?;
    let operation = serde_json::from_value(row.operation.into())
        .map_err(|error| sqlx::Error::Decode(error.into()))?;
    Ok(UsageEvent {
        request_id: call.request_id,
        at: call.at,
        org_id: call.org_id,
        team_id: row.team_id,
        app_id: row.app_id,
        key_id: row.key_id,
        subscription_id: row.subscription_id,
        product_id: row.product_id,
        plan_id: call.plan_id,
        model_id: row.model_id,
        deployment_id: None,
        provider_id: None,
        operation,
        stream: row.stream,
        outcome: Outcome::Ok,
        status: 200,
        error_code: None,
        tokens: Tokens::NONE,
        units: Units::NONE,
        estimated: false,
        price_id: call.price_id,
        cost_nanos: Nanos::ZERO,
        cached: None,
        price_percent: 100,
        reserved_nanos: call.reserved,
        attempts: 1,
        duration_ms: 0,
        first_token_ms: None,
        gateway_id: row.gateway_id,
        config_version: row.config_version.unsigned_abs(),
        attempts_made: Vec::new(),
        topped_up: 0,
        tags: row.tags.0,
        odd_usage: false,
        limits: call.limits.0.clone(),
        way: None,
        shadow: None,
        residency: None,
    })
}
