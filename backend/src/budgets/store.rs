//! All SQL on budgets, their raises and alerts.

use super::model::{RaiseRow, Row};
use crate::db::{SystemTx, TenantTx, Tx};
use crate::http::PageQuery;
use crate::limits::store::{self as limits, find_scope_name as find_name};
use contract::Timestamp;
use contract::api::budgets::{BudgetAction, BudgetAlert};
use contract::id::{BudgetId, EventId, ModelId, OrgId, PlanId, RaiseId};
use contract::money::{Nanos, Usd};
use contract::snapshot::{LimitScope, Tag, Window};
use std::collections::HashMap;
use uuid::Uuid;

/// Which budgets are meant.
#[derive(Debug, Clone, Copy, Default)]
pub struct Which<'a> {
    /// Only these.
    pub ids: Option<&'a [Uuid]>,
    /// Only these orgs', and those whose thresholds were not looked at since they changed.
    pub orgs_or_unchecked: Option<&'a [Uuid]>,
    pub page: Option<PageQuery>,
}

/// Budgets with their raises that are not over, newest first.
pub async fn rows(tx: &mut impl Tx, which: Which<'_>) -> sqlx::Result<Vec<Row>> {
    let found = sqlx::query!(
        r#"select id as "id: BudgetId", org_id as "org_id: OrgId", name, scope_kind, scope_id,
             coalesce(case scope_kind
               when 'org' then (select name from orgs where orgs.id = scope_id)
               when 'team' then (select name from teams where teams.id = scope_id)
               when 'app' then (select name from apps where apps.id = scope_id)
               when 'key' then (select name from api_keys where api_keys.id = scope_id)
               when 'plan' then (select products.name || ', ' || plans.name
                 from plans join products on products.id = plans.product_id
                 where plans.id = scope_id)
             end, '') as "scope_name!",
             model_id as "model_id: ModelId",
             (select models.name from models where models.id = model_id) as model_name,
             tag_name, tag_value, amount_nanos, time_window as "window: Window", zone, thresholds,
             action, throttle_percent, downgrade_model_id as "downgrade_model_id: ModelId",
             (select models.name from models where models.id = downgrade_model_id)
               as downgrade_model_name,
             before_nanos, made_version, checked_at, created_at, version
           from budgets
           where ($1::uuid[] is null or id = any($1))
             and ($2::uuid[] is null or org_id = any($2)
                  or checked_version is distinct from version)
             and ($3::timestamptz is null or (created_at, id) < ($3, $4))
           order by created_at desc, id desc limit $5"#,
        which.ids,
        which.orgs_or_unchecked,
        which.page.as_ref().and_then(PageQuery::after_at),
        which.page.as_ref().and_then(PageQuery::after_id),
        which.page.as_ref().map(PageQuery::fetch),
    )
    .fetch_all(tx.conn())
    .await?;
    let ids: Vec<Uuid> = found.iter().map(|row| row.id.0).collect();
    let mut raises = raises(tx, &ids).await?;
    found
        .into_iter()
        .map(|row| {
            let wrong = |what: &str| sqlx::Error::Decode(format!("{what} of {}", row.id).into());
            let percent = row.throttle_percent.and_then(|percent| u8::try_from(percent).ok());
            Ok(Row {
                id: row.id,
                org_id: row.org_id,
                scope: scope(&row.scope_kind, row.scope_id)?,
                scope_name: row.scope_name,
                model_id: row.model_id,
                model_name: row.model_name,
                tag: row.tag_name.zip(row.tag_value).map(|(name, value)| Tag { name, value }),
                amount: row.amount_nanos,
                window: row.window,
                zone: row.zone.parse().map_err(|_| wrong("zone"))?,
                thresholds: row.thresholds,
                action: match (row.action.as_str(), percent, row.downgrade_model_id) {
                    ("alert", ..) => BudgetAction::Alert,
                    ("deny", ..) => BudgetAction::Deny,
                    ("throttle", Some(percent), _) => BudgetAction::Throttle { percent },
                    ("downgrade", _, Some(model_id)) => BudgetAction::Downgrade { model_id },
                    _ => return Err(wrong("action")),
                },
                downgrade_model_name: row.downgrade_model_name,
                before: row.before_nanos,
                made_version: row.made_version,
                checked_at: row.checked_at,
                raises: raises.remove(&row.id).unwrap_or_default(),
                created_at: row.created_at,
                version: row.version,
                name: row.name,
            })
        })
        .collect()
}

async fn raises(
    tx: &mut impl Tx,
    budgets: &[Uuid],
) -> sqlx::Result<HashMap<BudgetId, Vec<RaiseRow>>> {
    let now = tx.now();
    let rows = sqlx::query!(
        r#"select id as "id: RaiseId", budget_id as "budget_id: BudgetId", add_nanos, starts_at,
             ends_at, reason, created_by_name, created_at
           from budget_raises
           where budget_id = any($1) and ends_at > $2 and ends_at > starts_at
           order by starts_at, id"#,
        budgets,
        now,
    )
    .fetch_all(tx.conn())
    .await?;
    let mut of: HashMap<BudgetId, Vec<RaiseRow>> = HashMap::new();
    for row in rows {
        of.entry(row.budget_id).or_default().push(RaiseRow {
            id: row.id,
            add: row.add_nanos,
            starts_at: row.starts_at,
            ends_at: row.ends_at,
            reason: row.reason,
            created_by_name: row.created_by_name,
            created_at: row.created_at,
        });
    }
    Ok(of)
}

pub async fn find(tx: &mut impl Tx, id: BudgetId) -> sqlx::Result<Option<Row>> {
    Ok(rows(tx, Which { ids: Some(&[id.0]), ..Which::default() }).await?.pop())
}

/// As [`find`], and nobody else changes it or its raises until the transaction ends.
pub async fn find_for_update(tx: &mut TenantTx, id: BudgetId) -> sqlx::Result<Option<Row>> {
    sqlx::query!("select id from budgets where id = $1 for update", id.0)
        .fetch_optional(tx.conn())
        .await?;
    find(tx, id).await
}

/// Writes a new budget, noting the configuration that gateways have until they hear of it.
pub async fn insert(tx: &mut TenantTx, row: &Row) -> sqlx::Result<()> {
    let (kind, scope) = scope_columns(row.scope);
    let (percent, model) = action_columns(row.action);
    sqlx::query!(
        "insert into budgets (id, org_id, name, scope_kind, scope_id, model_id, tag_name, tag_value,
           amount_nanos, time_window, zone, thresholds, action, throttle_percent,
           downgrade_model_id, before_nanos, made_version, created_at, version)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,
           (select config_versions.version from config_versions), $17, $18)",
        row.id.0,
        row.org_id.0,
        row.name,
        kind,
        scope,
        row.model_id.map(|id| id.0),
        row.tag.as_ref().map(|tag| &tag.name),
        row.tag.as_ref().map(|tag| &tag.value),
        row.amount,
        row.window.as_str(),
        row.zone.name(),
        &row.thresholds,
        row.action.as_str(),
        percent,
        model,
        row.before,
        row.created_at,
        row.version,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A scope as it is stored.
pub const fn scope_columns(scope: LimitScope) -> (&'static str, Uuid) {
    match scope {
        LimitScope::Org(id) => ("org", id.0),
        LimitScope::Team(id) => ("team", id.0),
        LimitScope::App(id) => ("app", id.0),
        LimitScope::Key(id) => ("key", id.0),
        LimitScope::Plan(id) => ("plan", id.0),
    }
}

fn scope(kind: &str, id: Uuid) -> sqlx::Result<LimitScope> {
    match kind {
        "plan" => Ok(LimitScope::Plan(PlanId(id))),
        kind => limits::scope(kind, id),
    }
}

/// What a scope points at, by name; `None` when the org has no such thing, or is not subscribed
/// to the plan.
pub async fn find_scope_name(tx: &mut TenantTx, scope: LimitScope) -> sqlx::Result<Option<String>> {
    let LimitScope::Plan(plan) = scope else {
        return find_name(tx, scope_columns(scope)).await;
    };
    let name = sqlx::query_scalar!(
        r#"select products.name || ', ' || plans.name as "name!"
           from plans join products on products.id = plans.product_id
           where plans.id = $1
             and exists (select from subscriptions s where s.plan_id = plans.id)"#,
        plan.0,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(name)
}

fn action_columns(action: BudgetAction) -> (Option<i16>, Option<Uuid>) {
    match action {
        BudgetAction::Throttle { percent } => (Some(percent.into()), None),
        BudgetAction::Downgrade { model_id } => (None, Some(model_id.0)),
        BudgetAction::Alert | BudgetAction::Deny => (None, None),
    }
}

pub async fn update(tx: &mut TenantTx, row: &Row) -> sqlx::Result<()> {
    let (percent, model) = action_columns(row.action);
    sqlx::query!(
        "update budgets set name = $2, amount_nanos = $3, thresholds = $4, action = $5,
           throttle_percent = $6, downgrade_model_id = $7, version = $8, checked_at = null
         where id = $1",
        row.id.0,
        row.name,
        row.amount,
        &row.thresholds,
        row.action.as_str(),
        percent,
        model,
        row.version,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn delete(tx: &mut TenantTx, id: BudgetId) -> sqlx::Result<()> {
    sqlx::query!("delete from budgets where id = $1", id.0).execute(tx.conn()).await?;
    Ok(())
}

/// Budgets that the org has.
pub async fn count(tx: &mut TenantTx) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"select count(*) as "count!" from budgets"#).fetch_one(tx.conn()).await
}

/// Has the thresholds looked at again.
pub async fn set_unchecked(tx: &mut TenantTx, id: BudgetId) -> sqlx::Result<()> {
    sqlx::query!(
        "update budgets set checked_version = null, checked_at = null where id = $1",
        id.0
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Notes that the thresholds of this version were looked at.
pub async fn set_checked(tx: &mut SystemTx, id: BudgetId, version: i64) -> sqlx::Result<()> {
    let now = tx.now();
    sqlx::query!(
        "update budgets set checked_version = version, checked_at = $3
         where id = $1 and version = $2",
        id.0,
        version,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Leaves the thresholds for later.
pub async fn set_due(tx: &mut SystemTx, id: BudgetId) -> sqlx::Result<()> {
    sqlx::query!(
        "update budgets set checked_version = null where id = $1 and checked_version is not null",
        id.0,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn set_before(tx: &mut SystemTx, id: BudgetId, before: i64) -> sqlx::Result<()> {
    sqlx::query!("update budgets set before_nanos = $2 where id = $1", id.0, before)
        .execute(tx.conn())
        .await?;
    Ok(())
}

pub async fn insert_raise(
    tx: &mut TenantTx,
    budget: BudgetId,
    raise: &RaiseRow,
) -> sqlx::Result<()> {
    let org = tx.org_id();
    sqlx::query!(
        "insert into budget_raises (id, org_id, budget_id, add_nanos, starts_at, ends_at, reason,
           created_by_name, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        raise.id.0,
        org.0,
        budget.0,
        raise.add,
        raise.starts_at,
        raise.ends_at,
        raise.reason,
        raise.created_by_name,
        raise.created_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Ends a raise now; one that has not begun never does.
pub async fn end_raise(tx: &mut TenantTx, id: RaiseId) -> sqlx::Result<()> {
    let now = tx.now();
    sqlx::query!(
        "update budget_raises set ends_at = greatest(starts_at, $2) where id = $1",
        id.0,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Notes that a threshold was reached. Only who is the first gets the alert's id.
pub async fn insert_alert(
    tx: &mut SystemTx,
    row: &Row,
    period_from: Timestamp,
    (percent, spent, limit): (i16, i64, i64),
) -> sqlx::Result<Option<EventId>> {
    let (id, now) = (tx.new_id(EventId::new), tx.now());
    sqlx::query_scalar!(
        r#"insert into budget_alerts (id, org_id, budget_id, period_from, percent, at, spent_nanos,
             limit_nanos)
           values ($1, $2, $3, $4, $5, $6, $7, $8)
           on conflict on constraint budget_alerts_pkey do nothing
           returning id as "id: EventId""#,
        id.0,
        row.org_id.0,
        row.id.0,
        period_from,
        percent,
        now,
        spent,
        limit,
    )
    .fetch_optional(tx.conn())
    .await
}

/// The percents that were reached in a period.
pub async fn alerted(
    tx: &mut SystemTx,
    budget: BudgetId,
    period_from: Timestamp,
) -> sqlx::Result<Vec<i16>> {
    sqlx::query_scalar!(
        "select percent from budget_alerts where budget_id = $1 and period_from = $2",
        budget.0,
        period_from,
    )
    .fetch_all(tx.conn())
    .await
}

/// Marks an alert as told; `None` when it was before, or went with its budget.
pub async fn take_alert(
    tx: &mut SystemTx,
    id: EventId,
) -> sqlx::Result<Option<(BudgetId, BudgetAlert)>> {
    let now = tx.now();
    let row = sqlx::query!(
        r#"update budget_alerts set told_at = $2 where id = $1 and told_at is null
           returning budget_id as "budget_id: BudgetId", percent, period_from, at, spent_nanos,
             limit_nanos"#,
        id.0,
        now,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| {
        let alert = BudgetAlert {
            id,
            percent: u16::try_from(row.percent).unwrap_or(0),
            period_from: row.period_from,
            at: row.at,
            spent_usd: Usd(Nanos(row.spent_nanos)),
            limit_usd: Usd(Nanos(row.limit_nanos)),
        };
        (row.budget_id, alert)
    }))
}

/// A budget's alerts, newest first.
pub async fn alerts(
    tx: &mut TenantTx,
    budget: BudgetId,
    page: &PageQuery,
) -> sqlx::Result<Vec<BudgetAlert>> {
    let rows = sqlx::query!(
        r#"select id as "id: EventId", percent, period_from, at, spent_nanos, limit_nanos
           from budget_alerts
           where budget_id = $1 and ($2::timestamptz is null or (at, id) < ($2, $3))
           order by at desc, id desc limit $4"#,
        budget.0,
        page.after_at(),
        page.after_id(),
        page.fetch(),
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| BudgetAlert {
            id: row.id,
            percent: u16::try_from(row.percent).unwrap_or(0),
            period_from: row.period_from,
            at: row.at,
            spent_usd: Usd(Nanos(row.spent_nanos)),
            limit_usd: Usd(Nanos(row.limit_nanos)),
        })
        .collect())
}

/// Slug and name of an org, and the addresses of its owners and finance.
pub async fn audience(
    tx: &mut SystemTx,
    org: OrgId,
) -> sqlx::Result<Option<(String, String, Vec<String>)>> {
    let row = sqlx::query!(
        r#"select slug, name, array(
             select email from people join memberships m on m.person_id = people.id
             where m.org_id = orgs.id and m.role in ('owner', 'finance')
               and people.disabled_at is null
             order by email) as "emails!"
           from orgs where id = $1"#,
        org.0,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| (row.slug, row.name, row.emails)))
}
